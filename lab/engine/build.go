package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	"github.com/rogpeppe/go-internal/lockedfile"
)

// How often a build says that it is alive.
const heartbeat = 10 * time.Second

// How long a process that was ended may hold on to its output.
const grace = 10 * time.Second

// goBuild runs `go build` in a directory, for this machine, with a line of progress every ten seconds. The error of a build that
// fails is a [buildError]. When ctx ends, the compiler and all it started end with it.
func goBuild(ctx context.Context, dir string, progress io.Writer, environment []string, arguments ...string) error {
	// The go command that is killed leaves what it was working on.
	work, err := os.MkdirTemp(os.Getenv("GOTMPDIR"), "go-build-")
	if err != nil {
		return fmt.Errorf("making a directory to build in: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()
	command := exec.CommandContext(ctx, "go", append([]string{"build", "-v"}, arguments...)...)
	command.Dir = dir
	// What is built here runs here, whatever the user's shell is set to cross-compile for.
	command.Env = append(command.Environ(), "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH, "GOTMPDIR="+work)
	command.Env = append(command.Env, environment...)
	cmdutil.RegisterProcessGroup(command)
	command.Cancel = func() error { return cmdutil.KillChildren(command.Process.Pid) }
	command.WaitDelay = grace
	log := &buildLog{begin: time.Now()}
	command.Stdout, command.Stderr = log, log

	done := make(chan struct{})
	var reporter sync.WaitGroup
	reporter.Go(func() {
		ticker := time.NewTicker(heartbeat)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				fmt.Fprintln(progress, log.status())
			case <-done:
				return
			}
		}
	})
	err = command.Run()
	close(done)
	reporter.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return &buildError{output: log.output(), err: err}
	}
	return nil
}

// buildError is a build that failed.
type buildError struct {
	output string // what the compiler said, complete
	err    error  // how the go command ended
}

// Error is what the compiler said, and only where it said nothing how the go command ended.
func (e *buildError) Error() string {
	if e.output == "" {
		return e.err.Error()
	}
	return e.output
}

func (e *buildError) Unwrap() error { return e.err }

// tail is a failed build with no more than the last lines of its output.
func tail(err error, count int) error {
	failed, ok := errors.AsType[*buildError](err)
	if !ok {
		return err
	}
	lines := strings.Split(failed.output, "\n")
	if len(lines) <= count {
		return err
	}
	return &buildError{output: "…\n" + strings.Join(lines[len(lines)-count:], "\n"), err: failed.err}
}

// buildLog reads what `go build -v` writes: it counts the lines that are progress and keeps those that are not.
type buildLog struct {
	begin time.Time

	mu         sync.Mutex
	rest       []byte // of a line that has not ended yet
	kept       strings.Builder
	downloaded int
	compiled   int
}

// Write takes a part of the output; lines may be cut anywhere.
func (l *buildLog) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, data...)
	for {
		line, rest, ended := bytes.Cut(l.rest, []byte("\n"))
		if !ended {
			return len(data), nil
		}
		l.line(string(line))
		l.rest = rest
	}
}

func (l *buildLog) line(line string) {
	switch {
	case strings.HasPrefix(line, "go: downloading "):
		l.downloaded++
	case line != "" && !strings.ContainsAny(line, " \t:#"): // an import path alone, which -v prints when it compiles the package
		l.compiled++
	default:
		l.kept.WriteString(line + "\n")
	}
}

// status is one line about how far the build is. How far it has to go the go command does not tell.
func (l *buildLog) status() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	downloaded := ""
	if l.downloaded > 0 {
		downloaded = fmt.Sprintf("%d modules downloaded, ", l.downloaded)
	}
	return fmt.Sprintf("  %s%d packages compiled, %s", downloaded, l.compiled, time.Since(l.begin).Round(time.Second))
}

// output is everything that was not progress.
func (l *buildLog) output() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimSpace(l.kept.String() + string(l.rest))
}

// lock waits for a lock between processes, which the caller must give back, and says so when it has to wait.
func lock(ctx context.Context, path string, progress io.Writer) (unlock func(), err error) {
	type locked struct {
		unlock func()
		err    error
	}
	acquired := make(chan locked, 1)
	go func() {
		unlock, err := lockedfile.MutexAt(path).Lock()
		acquired <- locked{unlock, err}
	}()
	waiting := time.NewTimer(time.Second)
	defer waiting.Stop()
	for {
		select {
		case got := <-acquired:
			if got.err != nil {
				return nil, fmt.Errorf("locking %s: %w", path, got.err)
			}
			return got.unlock, nil
		case <-waiting.C:
			fmt.Fprintf(progress, "waiting for another process that builds the same and holds %s\n", path)
		case <-ctx.Done():
			// The lock cannot be asked to give up: what it still gets is given back.
			go func() {
				if got := <-acquired; got.err == nil {
					got.unlock()
				}
			}()
			return nil, ctx.Err()
		}
	}
}

// exists tells whether a file is there.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
