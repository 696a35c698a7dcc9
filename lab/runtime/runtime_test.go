package runtime

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// build builds the bootstrap of testdata once, and returns a deployment package with it.
var build = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "bootstrap-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	target := filepath.Join(dir, "bootstrap")
	command := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc", "-ldflags", "-s -w", "-o", target, "./testdata/bootstrap")
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, output)
	}
	program, err := os.ReadFile(target)
	if err != nil {
		return nil, err
	}
	return pack(file{"bootstrap", 0o755, string(program)})
})

type file struct {
	name    string
	mode    fs.FileMode
	content string
}

func pack(files ...file) ([]byte, error) {
	var buffer bytes.Buffer
	writer := zip.NewWriter(&buffer)
	for _, f := range files {
		header := &zip.FileHeader{Name: f.name}
		header.SetMode(f.mode)
		target, err := writer.CreateHeader(header)
		if err != nil {
			return nil, err
		}
		if _, err := io.WriteString(target, f.content); err != nil {
			return nil, err
		}
	}
	err := writer.Close()
	return buffer.Bytes(), err
}

// A lab is a runtime with a function in it.
type lab struct {
	*Runtime
	dir      string
	function Function

	mutex sync.Mutex
	lines []string
}

func start(t testing.TB, variables map[string]string) *lab {
	t.Helper()
	code, err := build()
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{dir: filepath.Join(t.TempDir(), "functions"), function: Function{
		ARN:  "arn:aws:lambda:eu-central-1:123456789012:function:Try",
		Name: "Try", Region: "eu-central-1", Version: "$LATEST", Code: code, Environment: variables, MemorySize: 256,
		Timeout: time.Minute, LogGroup: "/aws/lambda/Try", LogFormat: "Text", Trace: "Active",
	}}
	surroundings := func(Function) (map[string]string, error) { return map[string]string{"AWS_ACCESS_KEY_ID": "LABK"}, nil }
	l.Runtime = New(l.dir, surroundings, func(f Function, line string) {
		if f.Name != l.function.Name {
			t.Errorf("a line of the function %q", f.Name)
		}
		l.mutex.Lock()
		defer l.mutex.Unlock()
		l.lines = append(l.lines, line)
	})
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(l.dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the directory is still there: %v", err)
		}
	})
	return l
}

// said is what the bootstrap answers.
type said struct {
	PID, Count            int
	Text, Directory       string
	Environment           []string
	RequestID, ARN, Trace string
	Left                  float64
}

func (l *lab) try(ctx context.Context, do string, more ...string) (said, Answer, error) {
	event := map[string]string{"do": do}
	for i := 0; i < len(more); i += 2 {
		event[more[i]] = more[i+1]
	}
	payload, err := json.Marshal(event)
	if err != nil {
		return said{}, Answer{}, err
	}
	answer, err := l.Invoke(ctx, l.function, payload)
	var s said
	if err == nil && answer.FunctionError == "" {
		err = json.Unmarshal(answer.Payload, &s)
	}
	return s, answer, err
}

// must is try where nothing goes wrong.
func (l *lab) must(t testing.TB, do string, more ...string) (said, Answer) {
	t.Helper()
	s, answer, err := l.try(t.Context(), do, more...)
	if err != nil || answer.FunctionError != "" {
		t.Fatalf("%s: %v, %s", do, err, answer.Payload)
	}
	return s, answer
}

func (l *lab) logged() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return slices.Clone(l.lines)
}

// A gate is where processes that hold report.
type gate struct {
	net.Listener
	address string
}

func newGate(t testing.TB) gate {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	return gate{listener, listener.Addr().String()}
}

// A held process goes on when release is called. Gone waits for its end.
type held struct {
	net.Conn
	pid int
}

func (g gate) held(t testing.TB) held {
	t.Helper()
	connection, err := g.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	line, err := bufio.NewReader(connection).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	return held{connection, pid}
}

func (h held) release() { h.Close() }

func (h held) gone() { _, _ = io.Copy(io.Discard, h) } // the kernel closes or resets the connection

// failure of an answer.
func failureOf(t testing.TB, answer Answer) (kind, message string) {
	t.Helper()
	var document struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(answer.Payload, &document); err != nil {
		t.Fatalf("%v: %s", err, answer.Payload)
	}
	if answer.FunctionError != "Unhandled" {
		t.Errorf("FunctionError is %q for %s", answer.FunctionError, answer.Payload)
	}
	return document.ErrorType, document.ErrorMessage
}

func TestAnswer(t *testing.T) {
	l := start(t, nil)
	first, answer := l.must(t, "say", "text", "hello")
	if first.Text != "hello" || first.Count != 1 || answer.InitDuration <= 0 || answer.Duration <= 0 || len(answer.RequestID) != 36 {
		t.Errorf("%+v, %+v", first, answer)
	}
	second, again := l.must(t, "say", "text", "you")
	if second.PID != first.PID || second.Count != 2 || second.Text != "you" {
		t.Errorf("%+v is not by the process of %+v", second, first)
	}
	if again.InitDuration != 0 || again.RequestID == answer.RequestID {
		t.Errorf("%+v after %+v", again, answer)
	}
	empty, err := l.Invoke(t.Context(), l.function, nil)
	if err != nil || !strings.Contains(string(empty.Payload), `"count":3`) {
		t.Errorf("without an event: %s, %v", empty.Payload, err)
	}
}

// What goes wrong in a function is its answer. A process that has survived it takes the next event.
func TestFunctionErrors(t *testing.T) {
	for _, test := range []struct {
		name, do, text string
		kind, message  string // ID stands for the request's
		survives       bool
	}{
		{"an error", "fail", "no such thing", "strange", "no such thing", true},
		{"a panic", "panic", "oh", "string", "oh", false},
		{"an exit", "exit 1", "", "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 1", false},
		{"an exit without an error", "exit 0", "", "Runtime.ExitError", "RequestId: ID Error: Runtime exited without providing a reason", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := start(t, nil)
			before, _ := l.must(t, "say")
			_, answer, err := l.try(t.Context(), test.do, "text", test.text)
			if err != nil {
				t.Fatal(err)
			}
			kind, message := failureOf(t, answer)
			if want := strings.ReplaceAll(test.message, " ID ", " "+answer.RequestID+" "); kind != test.kind || message != want {
				t.Errorf("%s: %s; want %s: %s", kind, message, test.kind, want)
			}
			after, _ := l.must(t, "say")
			if (after.PID == before.PID) != test.survives {
				t.Errorf("process %d before, %d after", before.PID, after.PID)
			}
		})
	}
}

func TestInitErrors(t *testing.T) {
	for _, test := range []struct {
		name, start   string
		kind, message string
		line          string
	}{
		{"exit", "exit 3", "Runtime.ExitError", "RequestId: ID Error: Runtime exited with error: exit status 3", "cannot start"},
		{"exit without an error", "exit 0", "Runtime.ExitError", "RequestId: ID Error: Runtime exited without providing a reason", ""},
		{"told", "error", "Extension.Broken", "no luck", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := start(t, map[string]string{"START": test.start, "ADDRESS": newGate(t).address})
			for range 2 {
				_, answer, err := l.try(t.Context(), "say")
				if err != nil {
					t.Fatal(err)
				}
				kind, message := failureOf(t, answer)
				if want := strings.ReplaceAll(test.message, " ID ", " "+answer.RequestID+" "); kind != test.kind || message != want {
					t.Errorf("%s: %s; want %s: %s", kind, message, test.kind, want)
				}
				if !strings.Contains(string(answer.Log), test.line) {
					t.Errorf("the log %q is without %q", answer.Log, test.line)
				}
			}
		})
	}
}

func TestInitTakesTooLong(t *testing.T) {
	g := newGate(t)
	l := start(t, map[string]string{"START": "hang", "ADDRESS": g.address})
	l.initLimit = 10 * time.Millisecond
	_, answer, err := l.try(t.Context(), "say")
	if err != nil {
		t.Fatal(err)
	}
	if kind, message := failureOf(t, answer); kind != "Sandbox.Timedout" || !strings.HasSuffix(message, " Error: Task timed out after 0.01 seconds") {
		t.Errorf("%s: %s", kind, message)
	}
}

func TestTimeout(t *testing.T) {
	g := newGate(t)
	l := start(t, nil)
	l.function.Timeout = 50 * time.Millisecond
	f := l.function
	holds := make(chan held, 1)
	go func() { holds <- g.held(t) }()
	answer, err := l.Invoke(t.Context(), f, []byte(`{"do": "hold", "address": "`+g.address+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	kind, message := failureOf(t, answer)
	if want := "RequestId: " + answer.RequestID + " Error: Task timed out after 0.05 seconds"; kind != "Sandbox.Timedout" || message != want {
		t.Errorf("%s: %s; want %s", kind, message, want)
	}
	if !strings.Contains(string(answer.Log), message) {
		t.Errorf("the log has nothing of it: %s", answer.Log)
	}
	running, err := os.FindProcess((<-holds).pid)
	if err == nil {
		err = running.Signal(syscall.Signal(0))
	}
	if !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("the process is still there: %v", err)
	}
}

func TestCallerLeaves(t *testing.T) {
	g := newGate(t)
	l := start(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error)
	go func() {
		_, _, err := l.try(ctx, "hold", "address", g.address)
		failed <- err
	}()
	h := g.held(t)
	cancel()
	h.gone()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if s, _ := l.must(t, "say"); s.PID == h.pid {
		t.Error("the process that was killed has answered")
	}
}

// An idle process that has ended is no matter of the next invocation.
func TestIdleProcessEnds(t *testing.T) {
	l := start(t, nil)
	before, _ := l.must(t, "leave")
	process := l.deployed[l.function.ARN].idle[0]
	temporary := func() []string {
		t.Helper()
		found, err := filepath.Glob(filepath.Join(process.deployment.dir, "tmp-*", "left"))
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	if found := temporary(); len(found) != 1 {
		t.Errorf("the process has left %q", found)
	}
	running, err := os.FindProcess(before.PID)
	if err == nil {
		err = running.Kill()
	}
	if err != nil {
		t.Fatal(err)
	}
	<-process.exited
	if found := temporary(); len(found) != 0 {
		t.Errorf("left is %q", found)
	}
	if after, _ := l.must(t, "say"); after.PID == before.PID || after.Count != 1 {
		t.Errorf("%+v after %+v", after, before)
	}
}

func TestConcurrency(t *testing.T) {
	g := newGate(t)
	l := start(t, nil)
	three := 3
	l.function.ReservedConcurrency = &three
	var running sync.WaitGroup
	var processes []held
	for range three {
		running.Go(func() {
			if _, answer, err := l.try(t.Context(), "hold", "address", g.address); err != nil || answer.FunctionError != "" {
				t.Errorf("%s, %v", answer.Payload, err)
			}
		})
		processes = append(processes, g.held(t))
	}

	var refused *Error
	if _, _, err := l.try(t.Context(), "say"); !errors.As(err, &refused) {
		t.Fatalf("a fourth invocation: %v", err)
	}
	want := Error{"TooManyRequestsException", "ReservedFunctionConcurrentInvocationLimitExceeded", "Rate Exceeded.", 429}
	if *refused != want {
		t.Errorf("%+v", refused)
	}
	other := l.function
	other.ARN += "Other"
	if _, err := l.Invoke(t.Context(), other, []byte(`{}`)); err != nil {
		t.Errorf("the limit is another function's as well: %v", err)
	}

	pids := map[int]bool{}
	for _, p := range processes {
		pids[p.pid] = true
		p.release()
	}
	running.Wait()
	if len(pids) != three {
		t.Errorf("%d processes for %d invocations at once", len(pids), three)
	}
	if s, _ := l.must(t, "say"); !pids[s.PID] {
		t.Error("a new process, with three idle ones there")
	}
	none := 0
	l.function.ReservedConcurrency = &none
	if _, _, err := l.try(t.Context(), "say"); !errors.As(err, &refused) || refused.Reason != want.Reason {
		t.Errorf("without any concurrency: %v", err)
	}
}

func TestOtherConfiguration(t *testing.T) {
	code, err := build()
	if err != nil {
		t.Fatal(err)
	}
	reader, err := zip.NewReader(bytes.NewReader(code), int64(len(code)))
	if err != nil {
		t.Fatal(err)
	}
	program, err := fs.ReadFile(reader, "bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	otherCode, err := pack(file{"lib/other", 0o644, "other"}, file{"bootstrap", 0o755, string(program)})
	if err != nil {
		t.Fatal(err)
	}
	five := 5
	for _, test := range []struct {
		name   string
		change func(*Function)
		stays  bool
	}{
		{"nothing", func(*Function) {}, true},
		{"the same code elsewhere", func(f *Function) { f.Code = bytes.Clone(f.Code) }, true},
		{"reserved concurrency", func(f *Function) { f.ReservedConcurrency = &five }, true},
		{"code", func(f *Function) { f.Code = otherCode }, false},
		{"variables", func(f *Function) { f.Environment = map[string]string{"OWN": "other"} }, false},
		{"memory", func(f *Function) { f.MemorySize++ }, false},
		{"timeout", func(f *Function) { f.Timeout++ }, false},
		{"revision", func(f *Function) { f.Revision = "2" }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGate(t)
			l := start(t, map[string]string{"OWN": "value"})
			before, _ := l.must(t, "say")
			deployed := l.deployed[l.function.ARN]
			process := deployed.idle[0]
			f := l.function
			var running sync.WaitGroup
			running.Go(func() {
				answer, err := l.Invoke(t.Context(), f, []byte(`{"do": "hold", "address": "`+g.address+`"}`))
				if err != nil || answer.FunctionError != "" {
					t.Errorf("in progress: %s, %v", answer.Payload, err)
				}
			})
			h := g.held(t)
			if h.pid != before.PID {
				t.Fatalf("process %d, then %d", before.PID, h.pid)
			}
			test.change(&l.function)
			if during, _ := l.must(t, "say"); during.PID == h.pid {
				t.Error("one process for two invocations at once")
			}
			h.release()
			running.Wait()
			if test.stays {
				if after, _ := l.must(t, "say"); after.PID != h.pid {
					t.Errorf("process %d, then %d", h.pid, after.PID)
				}
				return
			}
			<-process.exited
			if _, err := os.Stat(deployed.dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the code is still there: %v", err)
			}
			idle := l.deployed[l.function.ARN].idle[0]
			l.function.Revision = "a later one"
			l.must(t, "say")
			<-idle.exited
		})
	}
}

// What a process sees is what Lambda sets, what the function has, and the surroundings; and nothing of this process.
func TestEnvironment(t *testing.T) {
	t.Setenv("LEAK", "of this process")
	l := start(t, map[string]string{"OWN": "value", "TZ": "Europe/Berlin", "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "own"})
	s, answer := l.must(t, "look")

	seen := map[string]string{}
	for _, variable := range s.Environment {
		name, value, _ := strings.Cut(variable, "=")
		seen[name] = value
	}
	for name, pattern := range map[string]string{
		"AWS_LAMBDA_RUNTIME_API":     `^127\.0\.0\.1:\d+$`,
		"AWS_LAMBDA_LOG_STREAM_NAME": `^\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}$`,
		"LAMBDA_TASK_ROOT":           "^" + regexp.QuoteMeta(s.Directory) + "$",
		"TMPDIR":                     "^" + regexp.QuoteMeta(l.dir),
	} {
		if !regexp.MustCompile(pattern).MatchString(seen[name]) {
			t.Errorf("%s is %q", name, seen[name])
		}
		delete(seen, name)
	}
	delete(seen, "_X_AMZN_TRACE_ID") // the library sets it for each event
	want := map[string]string{
		"AWS_LAMBDA_FUNCTION_NAME": "Try", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_FORMAT": "Text", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/Try",
		"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", "_HANDLER": "bootstrap",
		"LANG": "en_US.UTF-8", "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"OWN": "value", "TZ": "Europe/Berlin", // which a function may set
		"AWS_ACCESS_KEY_ID": "LABK",
	}
	if !maps.Equal(seen, want) {
		t.Errorf("the process sees %v", seen)
	}

	if s.RequestID != answer.RequestID || s.ARN != l.function.ARN {
		t.Errorf("%+v for the request %s", s, answer.RequestID)
	}
	if s.Left <= 0 || s.Left > l.function.Timeout.Seconds() {
		t.Errorf("the deadline is in %v s", s.Left)
	}
	trace := regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=([01])$`)
	if found := trace.FindStringSubmatch(s.Trace); found == nil || found[1] != "1" {
		t.Errorf("active tracing has the header %q", s.Trace)
	}

	// The map is the caller's: a change in place is a change.
	l.function.Environment["OWN"] = "other"
	if s, _ = l.must(t, "look"); !slices.Contains(s.Environment, "OWN=other") {
		t.Errorf("the process sees %v", s.Environment)
	}
	l.function.Trace = "PassThrough"
	s, _ = l.must(t, "look")
	if found := trace.FindStringSubmatch(s.Trace); found == nil || found[1] != "0" {
		t.Errorf("passing traces through has the header %q", s.Trace)
	}
}

func TestSurroundings(t *testing.T) {
	l := start(t, nil)
	asked := 0
	refused := errors.New("the role cannot be assumed")
	l.surroundings = func(f Function) (map[string]string, error) {
		if asked++; asked > 1 {
			return nil, refused
		}
		return map[string]string{"AWS_SESSION_TOKEN": f.Name}, nil
	}
	for range 2 {
		if s, _ := l.must(t, "look"); !slices.Contains(s.Environment, "AWS_SESSION_TOKEN=Try") {
			t.Errorf("the process sees %v", s.Environment)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times for one process", asked)
	}
	l.function.Revision = "2"
	if _, _, err := l.try(t.Context(), "say"); !errors.Is(err, refused) {
		t.Errorf("the error is %v", err)
	}
}

func TestSizes(t *testing.T) {
	l := start(t, nil)
	event := func(size int) []byte {
		const begin, end = `{"do":"measure","text":"`, `"}`
		return []byte(begin + strings.Repeat("x", size-len(begin)-len(end)) + end)
	}
	var s said
	answer, err := l.Invoke(t.Context(), l.function, event(MaxRequest))
	if err == nil {
		err = json.Unmarshal(answer.Payload, &s)
	}
	if err != nil || s.Count < MaxRequest-100 {
		t.Errorf("the largest event: %+v, %v", s, err)
	}
	var refused *Error
	_, err = l.Invoke(t.Context(), l.function, event(MaxRequest+1))
	if !errors.As(err, &refused) || refused.Code != "RequestEntityTooLargeException" || refused.Status != 413 {
		t.Errorf("an event that is too large: %v", err)
	}
	_, err = l.Invoke(t.Context(), l.function, []byte("{"))
	if !errors.As(err, &refused) || refused.Code != "InvalidRequestContentException" {
		t.Errorf("an event that is no JSON: %v", err)
	}

	large := func(size int) Answer {
		answer, err := l.Invoke(t.Context(), l.function, fmt.Appendf(nil, `{"do": "large", "size": %d}`, size))
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if answer := large(MaxResponse); answer.FunctionError != "" || len(answer.Payload) != MaxResponse {
		t.Errorf("the largest answer has %d bytes, error %q", len(answer.Payload), answer.FunctionError)
	}
	kind, message := failureOf(t, large(MaxResponse+1))
	if kind != "Function.ResponseSizeTooLarge" || message != "Response payload size exceeded maximum allowed payload size (6291556 bytes)." {
		t.Errorf("an answer that is too large: %s: %s", kind, message)
	}
	l.must(t, "say")
}

func TestLog(t *testing.T) {
	l := start(t, nil)
	_, first := l.must(t, "print", "text", "one\n\r\ntwo\nthree, not ended")
	_, second := l.must(t, "print", "text", strings.Repeat("x", maxLine)+"yz\n")
	_, third, err := l.try(t.Context(), "exit 1")
	if err != nil {
		t.Fatal(err)
	}
	times := regexp.MustCompile(`\d+(\.\d+)? ms`)
	var lines []string
	for _, line := range l.logged() {
		lines = append(lines, times.ReplaceAllString(line, "N ms"))
	}
	report := func(a Answer, rest string) string {
		return "REPORT RequestId: " + a.RequestID + "\tDuration: N ms\tBilled Duration: N ms\tMemory Size: 256 MB" + rest
	}
	want := []string{
		"started",
		"START RequestId: " + first.RequestID + " Version: $LATEST", "one", "two", "three, not ended",
		"END RequestId: " + first.RequestID, report(first, "\tInit Duration: N ms"),
		"START RequestId: " + second.RequestID + " Version: $LATEST", strings.Repeat("x", maxLine), "yz",
		"END RequestId: " + second.RequestID, report(second, ""),
		"START RequestId: " + third.RequestID + " Version: $LATEST", "that was it",
		"RequestId: " + third.RequestID + " Error: Runtime exited with error: exit status 1", "Runtime.ExitError",
		"END RequestId: " + third.RequestID, report(third, "\tStatus: error"),
	}
	if !slices.Equal(lines, want) {
		t.Errorf("the log is %.300q", lines)
	}
	if got := times.ReplaceAllString(string(first.Log), "N ms"); got != strings.Join(want[:7], "\n")+"\n" {
		t.Errorf("the log of the first invocation is %q", got)
	}
	if len(second.Log) != maxTail || !strings.Contains(string(second.Log), "xyz\nEND") && !strings.Contains(string(second.Log), "x\nyz\nEND") {
		t.Errorf("the log of the second invocation is %q", second.Log)
	}
}

// What a process has written before it ended is in the log, also where that is read later.
func TestJournalIsReadToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var lines []string
		reading, readOn := make(chan struct{}), make(chan struct{})
		j, err := newJournal(func(line string) {
			lines = append(lines, line)
			if line == "one" {
				close(reading)
				<-readOn
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(j.to, "one\n")
		<-reading
		fmt.Fprint(j.to, "two")
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			j.close()
		}()
		synctest.Wait() // until that has got as far as it can
		close(readOn)
		<-closed
		if !slices.Equal(lines, []string{"one", "two"}) {
			t.Errorf("the log is %q", lines)
		}
	})
}

func TestLogAsJSON(t *testing.T) {
	l := start(t, nil)
	l.function.LogFormat = "JSON"
	_, answer := l.must(t, "print", "text", "one")
	lines := l.logged()
	if len(lines) != 4 || lines[0] != "started" || lines[2] != "one" {
		t.Fatalf("the log is %q", lines)
	}
	for line, want := range map[string]string{
		lines[1]: `{"record":{"requestId":"ID","version":"$LATEST"},"time":"T","type":"platform.start"}`,
		lines[3]: `{"record":{"metrics":{"billedDurationMs":N,"durationMs":N,"initDurationMs":N,"memorySizeMB":256},` +
			`"requestId":"ID","status":"success"},"time":"T","type":"platform.report"}`,
	} {
		line = strings.ReplaceAll(line, answer.RequestID, "ID")
		line = regexp.MustCompile(`Ms":[\d.]+`).ReplaceAllString(line, `Ms":N`)
		line = regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"`).ReplaceAllString(line, `"T"`)
		if line != want {
			t.Errorf("the log has %s, want %s", line, want)
		}
	}
}
