package engine

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// write makes files below a directory, and returns the directory.
func write(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.HasPrefix(content, "#!") {
			mode = 0o755
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tools is a module that looks like the one under tools/, with a pulumi that compiles in no time.
func tools(main string) map[string]string {
	return map[string]string{
		"Pulumi.yaml": "name: test\nruntime: go\nrequiredPulumiVersion: \">=3.226.0\"\n",
		"tools/go.mod": `module tools

go 1.26.0

require (
	github.com/pulumi/pulumi/pkg/v3 v3.300.1
	github.com/pulumi/pulumi/sdk/v3 v3.300.1
)

replace (
	github.com/pulumi/pulumi/pkg/v3 => ./pkg
	github.com/pulumi/pulumi/sdk/v3 => ./sdk
)
`,
		"tools/pkg/go.mod": `module github.com/pulumi/pulumi/pkg/v3

require github.com/pulumi/pulumi/sdk/v3 v3.300.1
`,
		"tools/pkg/cmd/pulumi/main.go":           main,
		"tools/sdk/go.mod":                       "module github.com/pulumi/pulumi/sdk/v3\n",
		"tools/sdk/go/common/version/version.go": "package version\n\nvar Version string\n",
	}
}

const printVersion = `package main

import (
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
)

func main() { os.Stdout.WriteString(version.Version + "\n") }
`

// path makes a PATH of nothing but the fake commands, go, and what the fake commands need.
func path(t *testing.T, commands map[string]string) {
	t.Helper()
	dir := write(t, t.TempDir(), commands)
	links := t.TempDir()
	for _, name := range []string{"go", "sleep"} {
		target, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(links, name)); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+links)
}

func TestFindOnPath(t *testing.T) {
	for name, test := range map[string]struct {
		pulumi   string // the command on PATH
		required string // the project's requiredPulumiVersion
		want     string // the version found; empty when it is to be built
		says     string
	}{
		"new enough":    {"echo v3.226.0", ">=3.226.0", "v3.226.0", ""},
		"no v":          {"echo 3.301.0", ">=3.226.0", "v3.301.0", ""},
		"any version":   {"echo v3.1.0", "", "v3.1.0", ""},
		"too old":       {"echo v3.225.9", ">=3.226.0", "", "is v3.225.9, the project needs >=3.226.0"},
		"only warnings": {"echo v3.226.0 >&2", ">=3.226.0", "", "its version cannot be read"},
		"no version":    {"echo what is it", ">=3.226.0", "", `printed "what is it\n"`},
		"fails":         {"echo v3.226.0; exit 3", ">=3.226.0", "", "exit status 3"},
		"leaves no logs": {
			`case "$1 $PULUMI_SKIP_UPDATE_CHECK $PULUMI_HOME" in "version true "*/pulumi-version-*) echo v3.300.0;; esac`,
			">=3.226.0", "v3.300.0", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path(t, map[string]string{"pulumi": "#!/bin/sh\n" + test.pulumi + "\n"})
			project := write(t, t.TempDir(), map[string]string{
				"Pulumi.yaml":  fmt.Sprintf("name: test\nruntime: go\nrequiredPulumiVersion: %q\n", test.required),
				"tools/go.mod": "module tools\n",
			})
			var progress strings.Builder
			cli, err := find(t.Context(), project, t.TempDir(), &progress)
			if !strings.Contains(progress.String(), test.says) {
				t.Errorf("progress is %q, want %q", &progress, test.says)
			}
			if test.want == "" {
				// The build begins, and ends where this project does not say what to build.
				if err == nil || !strings.Contains(err.Error(), "must require github.com/pulumi/pulumi/pkg/v3") {
					t.Fatalf("found %+v, %v; want the build to begin", cli, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if cli.Version != test.want || cli.Built || filepath.Base(cli.Path) != "pulumi" || !filepath.IsAbs(cli.Path) {
				t.Errorf("found %+v, want %s", cli, test.want)
			}
			if progress.String() != "" {
				t.Errorf("progress %q where nothing takes time", &progress)
			}
		})
	}
}

func TestFindWrongProject(t *testing.T) {
	path(t, nil)
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no project":     {nil, "reading the Pulumi project"},
		"no range":       {map[string]string{"Pulumi.yaml": "name: x\nruntime: go\nrequiredPulumiVersion: new\n"}, `requiredPulumiVersion "new" is no range`},
		"no tools":       {map[string]string{"Pulumi.yaml": "name: x\nruntime: go\n"}, filepath.Join("tools", "go.mod")},
		"tools not read": {map[string]string{"Pulumi.yaml": "name: x\nruntime: go\n", "tools/go.mod": "require ("}, filepath.Join("tools", "go.mod")},
	} {
		t.Run(name, func(t *testing.T) {
			if cli, err := find(t.Context(), write(t, t.TempDir(), test.files), t.TempDir(), io.Discard); err == nil ||
				!strings.Contains(err.Error(), test.want) {
				t.Errorf("found %+v, %v; want an error with %q", cli, err, test.want)
			}
		})
	}
}

func TestFindBuilds(t *testing.T) {
	path(t, nil)
	// Whatever the user builds for in this shell.
	t.Setenv("GOOS", "plan9")
	t.Setenv("GOWORK", "/nowhere/go.work")
	project := write(t, t.TempDir(), tools(printVersion))
	cache := t.TempDir()

	// Two at once, of which one builds.
	var each sync.WaitGroup
	var progress [2]strings.Builder
	for i := range progress {
		each.Go(func() {
			cli, err := find(t.Context(), project, cache, &progress[i])
			if err != nil {
				t.Error(err)
				return
			}
			want := CLI{
				Path:    filepath.Join(cache, "v3.300.1-"+runtime.GOOS+"-"+runtime.GOARCH, "pulumi"),
				Version: "v3.300.1",
				Built:   true,
			}
			if cli != want {
				t.Errorf("found %+v, want %+v", cli, want)
			}
			if version, err := askVersion(t.Context(), cli.Path); err != nil || version.String() != "3.300.1" {
				t.Errorf("the command built says it is %v, %v", version, err)
			}
		})
	}
	each.Wait()
	said := progress[0].String() + progress[1].String()
	if count := strings.Count(said, "building v3.300.1"); count != 1 {
		t.Errorf("%d builds, want 1:\n%s", count, said)
	}
	for _, want := range []string{"no pulumi on PATH", "once", "four minutes", "1.7 GB", "113 MB", "built pulumi v3.300.1 in "} {
		if !strings.Contains(said, want) {
			t.Errorf("progress does not say %q:\n%s", want, said)
		}
	}

	// Another time it is there, whatever has become of the sources.
	write(t, project, map[string]string{"tools/pkg/cmd/pulumi/main.go": "what"})
	var again strings.Builder
	if _, err := find(t.Context(), project, cache, &again); err != nil || again.String() != "" {
		t.Errorf("the second time it says %q, %v", &again, err)
	}
}

func TestFindBuildFails(t *testing.T) {
	path(t, nil)
	project := write(t, t.TempDir(), tools("package main\n\nfunc main() { return 1 }\n"))
	cache := t.TempDir()
	_, err := find(t.Context(), project, cache, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "too many return values") || !strings.Contains(err.Error(), "install pulumi") {
		t.Errorf("the error is %v, want what the compiler said and what to do", err)
	}

	write(t, project, tools(printVersion))
	if _, err := find(t.Context(), project, cache, io.Discard); err != nil {
		t.Errorf("with the source mended: %v", err)
	}
}

func TestFindInterrupted(t *testing.T) {
	path(t, nil)
	before := os.Getenv("PATH")
	project := write(t, t.TempDir(), tools(printVersion))
	cache, work := t.TempDir(), t.TempDir()
	t.Setenv("GOTMPDIR", work)

	// A build that has written half of the command when it is interrupted. All of its processes hold the pipe.
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	path(t, map[string]string{"go": fmt.Sprintf(`#!/bin/sh
while [ "$1" != -o ]; do shift; done
echo half >"$2"
echo work >"$GOTMPDIR/work"
exec 3>'%s'
sleep 1000 >/dev/null 2>&1 &
echo begun >&3
wait
`, pipe)})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error, 1)
	go func() {
		_, err := find(ctx, project, cache, io.Discard)
		result <- err
	}()
	held, err := os.Open(pipe)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	reader := bufio.NewReader(held)
	if line, err := reader.ReadString('\n'); line != "begun\n" {
		t.Fatalf("the build wrote %q, %v", line, err)
	}
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want that of the context", err)
	}
	if rest, err := io.ReadAll(reader); err != nil || len(rest) > 0 {
		t.Errorf("the pipe has %q, %v; want it closed", rest, err)
	}

	if left, err := filepath.Glob(filepath.Join(cache, "*", "pulumi*")); err != nil || len(left) != 1 { // the lock
		t.Errorf("it left %q, %v", left, err)
	}
	if left, err := os.ReadDir(work); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}

	t.Setenv("PATH", before)
	cli, err := find(t.Context(), project, cache, io.Discard)
	if err != nil {
		t.Fatalf("the next time: %v", err)
	}
	if _, err := askVersion(t.Context(), cli.Path); err != nil {
		t.Errorf("the next time: %v", err)
	}
}

func TestLockEndsWithContext(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock")
	unlock, err := lock(t.Context(), file, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	// The second waits, says so, and stops waiting.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	said, says := io.Pipe()
	result := make(chan error, 1)
	go func() {
		_, err := lock(ctx, file, says)
		result <- err
	}()
	if line, err := bufio.NewReader(said).ReadString('\n'); !strings.Contains(line, "waiting for another process") {
		t.Errorf("it said %q, %v", line, err)
	}
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v, want that of the context", err)
	}
	// The one that gave up does not keep what it then gets.
	unlock()
	unlock, err = lock(t.Context(), file, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
}

func TestBuildLog(t *testing.T) {
	log := &buildLog{}
	for _, part := range []string{
		"go: downloading example.com/m v1.0.0\ngo: downl", "oading example.com/n v1.0.0\nunicode/ut", "f8\nexample.com/m/v2\n",
		"# example.com/m/v2\n./a.go:1:2: undefined: x\n\thave (int)\n\n", "go: no space left",
	} {
		if n, err := io.WriteString(log, part); n != len(part) || err != nil {
			t.Fatalf("wrote %d, %v", n, err)
		}
	}
	if got, want := log.output(), "# example.com/m/v2\n./a.go:1:2: undefined: x\n\thave (int)\n\ngo: no space left"; got != want {
		t.Errorf("the output is %q, want %q", got, want)
	}
	if got, want := log.status(), "  2 modules downloaded, 2 packages compiled, "; !strings.HasPrefix(got, want) {
		t.Errorf("the status is %q, want %q", got, want)
	}
}

func TestTail(t *testing.T) {
	ended := errors.New("exit status 1")
	for output, want := range map[string]string{
		"":           "exit status 1",
		"a\nb":       "a\nb",
		"a\nb\nc\nd": "…\nc\nd",
	} {
		got := tail(&buildError{output: output, err: ended}, 2)
		if got.Error() != want || !errors.Is(got, ended) {
			t.Errorf("the tail of %q is %q, want %q", output, got, want)
		}
	}
	if got := tail(ended, 2); !errors.Is(got, ended) {
		t.Errorf("the tail of another error is %v", got)
	}
}
