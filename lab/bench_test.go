package lab

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// deployed is a lab with both stacks and an object.
func deployed(b *testing.B) *Lab {
	b.Helper()
	l, err := Start(b.Context(), Options{Project: project, Progress: b.Output()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := l.Close(); err != nil {
			b.Error(err)
		}
	})
	if err := l.InitStacks(b.Context()); err != nil {
		b.Fatal(err)
	}
	for _, stack := range []string{ComputeStack, DataStack} {
		if err := l.Up(b.Context(), stack); err != nil {
			b.Fatal(err)
		}
	}
	l.put(b, "small", 16)
	return l
}

// put stores an object of so many bytes without asking anybody.
func (l *Lab) put(b *testing.B, key string, size int64) {
	b.Helper()
	if _, err := l.world.Objects().PutObject(b.Context(), l.Settings.BucketName, key, nil, io.LimitReader(zeros{}, size), size); err != nil {
		b.Fatal(err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func (l *Lab) event(operation, key string) map[string]any {
	return map[string]any{"operation": operation, "bucketName": l.Settings.BucketName, "objectKey": key}
}

// BenchmarkNoChangeUp is an update that has nothing to do: the handler is built, the program runs, and every resource is compared.
func BenchmarkNoChangeUp(b *testing.B) {
	l := deployed(b)
	for _, stack := range []string{ComputeStack, DataStack} {
		b.Run(stack, func(b *testing.B) {
			for b.Loop() {
				if err := l.Up(b.Context(), stack); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkColdStart is an invocation whose process is started for it, up to the answer of S3: with the handler, and with a function
// that does nothing else. The metric ms-process leaves out what comes before the process, as unpacking the code.
func BenchmarkColdStart(b *testing.B) {
	l := deployed(b)
	handler, err := l.world.Function(l.FunctionARN())
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		code []byte
	}{{"handler", handler.Code}, {"empty", emptyFunction(b)}} {
		b.Run(c.name, func(b *testing.B) {
			function := handler
			function.Code = c.code
			n := 0
			var running time.Duration
			for b.Loop() {
				n++
				function.Environment["N"] = strconv.Itoa(n) // Another configuration is another process.
				answer, err := l.runtime.Invoke(b.Context(), l.process(function), l.coldEvent(b, c.name))
				if err != nil || answer.FunctionError != "" {
					b.Fatalf("%v %s", err, answer.Payload)
				}
				running += answer.InitDuration + answer.Duration
			}
			b.ReportMetric(float64(running.Microseconds())/float64(n)/1000, "ms-process")
		})
	}
}

// coldEvent is what each of the two functions takes for "look at the object".
func (l *Lab) coldEvent(b *testing.B, function string) []byte {
	b.Helper()
	event := l.event("head", "small")
	if function == "empty" {
		delete(event, "operation")
	}
	text, err := json.Marshal(event)
	if err != nil {
		b.Fatal(err)
	}
	return text
}

// emptyFunction is the deployment package of testdata/empty, built as the handler is.
func emptyFunction(b *testing.B) []byte {
	b.Helper()
	target := filepath.Join(b.TempDir(), "bootstrap")
	command := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc",
		"-ldflags", "-s -w -buildid=", "-o", target, "./testdata/empty")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, output)
	}
	program, err := os.ReadFile(target)
	if err != nil {
		b.Fatal(err)
	}
	var buffer bytes.Buffer
	archive := zip.NewWriter(&buffer)
	header := &zip.FileHeader{Name: "bootstrap", Method: zip.Deflate}
	header.SetMode(0o755)
	file, err := archive.CreateHeader(header)
	if err == nil {
		_, err = file.Write(program)
	}
	if err == nil {
		err = archive.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	return buffer.Bytes()
}

// BenchmarkWarmInvoke is an invocation of a running function, and the same request to S3 without it: the difference is Lambda's part.
func BenchmarkWarmInvoke(b *testing.B) {
	l := deployed(b)
	profile, err := l.Profile(FunctionProfile)
	if err != nil {
		b.Fatal(err)
	}
	client := l.S3(&profile.Key)
	b.Run("function", func(b *testing.B) {
		for b.Loop() {
			if _, err := l.Invoke(b.Context(), l.event("head", "small")); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("direct", func(b *testing.B) {
		for b.Loop() {
			if _, err := client.HeadObject(b.Context(), &s3.HeadObjectInput{
				Bucket: aws.String(l.Settings.BucketName), Key: aws.String("small"),
			}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkLargeObject asks the function for an object of 1 GiB and reports the most memory that its process ever had, and the size of
// its deployment package.
func BenchmarkLargeObject(b *testing.B) {
	l := deployed(b)
	l.put(b, "large", 1<<30)
	function, err := l.world.Function(l.FunctionARN())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := l.Invoke(b.Context(), l.event("get", "large")); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(peakMemory(b, l), "MiB-peak")
	b.ReportMetric(float64(len(function.Code))/(1<<20), "MiB-zip")
}

// peakMemory is the largest resident set of the lab's function processes so far, in MiB.
func peakMemory(b *testing.B, l *Lab) float64 {
	b.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		b.Fatal(err)
	}
	for _, link := range processes {
		target, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(target, l.home) {
			continue // Another's, or one that has ended.
		}
		status, err := os.ReadFile(filepath.Join(filepath.Dir(link), "status"))
		if err != nil {
			b.Fatal(err)
		}
		for line := range strings.Lines(string(status)) {
			var kilobytes float64
			if _, err := fmt.Sscanf(line, "VmHWM: %f kB", &kilobytes); err == nil {
				return kilobytes / 1024
			}
		}
	}
	b.Fatal("the function has no process")
	return 0
}

// BenchmarkGuard previews account-a with the guard and without it, by turns, and reports what the guard adds to it, in the median.
func BenchmarkGuard(b *testing.B) {
	unguarded := copyProject(b)
	source, err := os.ReadFile(filepath.Join(unguarded, "main.go"))
	if err != nil {
		b.Fatal(err)
	}
	without := strings.NewReplacer(
		"guard := newGuard(ctx)", "guard := &guard{}",
		"err := guard.watch(ctx, settings.Guard, report)", "err := error(nil)",
		"err = guard.finish(ctx, os.Stderr)", "_ = ctx",
	).Replace(string(source))
	if err := os.WriteFile(filepath.Join(unguarded, "main.go"), []byte(without), 0o600); err != nil {
		b.Fatal(err)
	}
	labs := map[bool]*Lab{}
	for guarded, directory := range map[bool]string{true: copyProject(b), false: unguarded} {
		l, err := Start(b.Context(), Options{Project: directory, Progress: b.Output()})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := l.Close(); err != nil {
				b.Error(err)
			}
		})
		if err := l.InitStacks(b.Context()); err != nil {
			b.Fatal(err)
		}
		labs[guarded] = l
	}
	took := map[bool][]float64{}
	for b.Loop() {
		for guarded, l := range labs {
			begin := time.Now()
			if _, err := l.Pulumi(b.Context(), "preview", "--stack", ComputeStack, "--json"); err != nil {
				b.Fatal(err)
			}
			took[guarded] = append(took[guarded], float64(time.Since(begin).Milliseconds()))
		}
	}
	median := func(values []float64) float64 {
		slices.Sort(values)
		return values[len(values)/2]
	}
	b.ReportMetric(median(took[true])-median(took[false]), "ms-guard")
	b.ReportMetric(median(took[false]), "ms-without")
}
