package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const project = "../.."

// run runs a command line and returns its exit code and output.
func run(ctx context.Context, stdin string, args ...string) (code int, stdout, stderr string) {
	var out, problems bytes.Buffer
	command := Command{Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &problems}
	code = command.Main(ctx, args)
	return code, out.String(), problems.String()
}

func TestCommandLine(t *testing.T) {
	empty := t.TempDir()
	for _, c := range []struct {
		args   []string
		code   int
		stdout string
		stderr string
	}{
		{[]string{"help"}, exitOK, "Usage: lab COMMAND", ""},
		{[]string{"-h"}, exitOK, "Usage: lab COMMAND", ""},
		{nil, exitUsage, "", "a command is missing"},
		{[]string{"dmeo"}, exitUsage, "", `there is no command "dmeo"`},
		{[]string{"-x"}, exitUsage, "", "-x"},
		{[]string{"demo", "fast"}, exitUsage, "", `"fast"`},
		{[]string{"up", "now"}, exitUsage, "", `"now"`},
		{[]string{"up", "-full"}, exitUsage, "", "-full"},
		{[]string{"exec"}, exitUsage, "", "exec needs a command"},
		{[]string{"exec", "--"}, exitUsage, "", "exec needs a command"},
		{[]string{"-C", empty, "demo"}, exitFailed, "", "there is no Pulumi.yaml in " + empty},
	} {
		code, stdout, stderr := run(t.Context(), "", c.args...)
		if code != c.code || !strings.Contains(stdout, c.stdout) || !strings.Contains(stderr, c.stderr) || (c.code == exitOK) != (stderr == "") {
			t.Errorf("lab %q is %d\n%s\n%s", c.args, code, stdout, stderr)
		}
	}
}

func TestFindProject(t *testing.T) {
	root, err := filepath.Abs(project)
	if err != nil {
		t.Fatal(err)
	}
	for _, directory := range []string{project, ".", "../../components"} {
		if found, err := findProject(directory); err != nil || found != root {
			t.Errorf("%s: %s %v, want %s", directory, found, err, root)
		}
	}
}

// lines collects output and tells when a text has been written.
type lines struct {
	mutex sync.Mutex
	text  strings.Builder
	await string
	seen  chan struct{}
}

func (l *lines) Write(text []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.text.Write(text)
	if l.await != "" && strings.Contains(l.text.String(), l.await) {
		close(l.seen)
		l.await = ""
	}
	return len(text), nil
}

func (l *lines) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// A lab that one process keeps serves the commands of others, in the accounts that it keeps.
func TestUpAndExec(t *testing.T) {
	useOwnCache(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	up := &lines{await: "AWS_PROFILE", seen: make(chan struct{})}
	ended := make(chan int, 1)
	go func() {
		command := Command{Stdin: strings.NewReader(""), Stdout: up, Stderr: t.Output()}
		ended <- command.Main(ctx, []string{"-C", project, "up", "-empty"})
	}()
	select {
	case <-up.seen:
	case code := <-ended:
		t.Fatalf("lab up ended with %d:\n%s", code, up)
	}

	lab := func(wantCode int, wantOutput string, args ...string) {
		t.Helper()
		code, stdout, stderr := run(t.Context(), "", append([]string{"-C", project, "exec", "--"}, args...)...)
		if code != wantCode || !strings.Contains(stdout+stderr, wantOutput) {
			t.Errorf("lab exec %q is %d, want %d and %q\n%s\n%s", args, code, wantCode, wantOutput, stdout, stderr)
		}
	}
	lab(0, "account-b", "pulumi", "stack", "ls")
	lab(0, "Deploy", "sh", "-c", `echo "$AWS_ENDPOINT_URL"; grep -q secret_access_key "$AWS_SHARED_CREDENTIALS_FILE" && echo Deploy`)
	lab(7, "", "sh", "-c", "exit 7")
	lab(exitFailed, "no-such-command", "no-such-command")
	// What one command deploys, the next one finds.
	lab(0, "created", "pulumi", "up", "--stack", "account-a", "--yes", "--skip-preview", "--non-interactive")
	lab(0, "CrossAccountS3Role", "pulumi", "stack", "output", "roleArn", "--stack", "account-a")

	if code, _, stderr := run(t.Context(), "", "-C", project, "up"); code != exitFailed || !strings.Contains(stderr, "running for this project already") {
		t.Errorf("a second lab up is %d: %s", code, stderr)
	}
	cancel()
	if code := <-ended; code != exitOK {
		t.Errorf("lab up ended with %d:\n%s", code, up)
	}
	rendezvous, err := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "cross-account-s3", "labs", "*"))
	if err != nil || len(rendezvous) > 0 {
		t.Errorf("left behind: %v %v", rendezvous, err)
	}
}

// Without a lab to join, a command gets one of its own.
func TestExecAlone(t *testing.T) {
	useOwnCache(t)
	code, stdout, stderr := run(t.Context(), "", "-C", project, "exec", "--", "sh", "-c", "pulumi stack ls && echo in $PWD")
	directory, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if code != 0 || !strings.Contains(stdout, "account-a") || !strings.Contains(stdout, "in "+directory) || !strings.Contains(stderr, "no lab is running") {
		t.Errorf("%d\n%s\n%s", code, stdout, stderr)
	}
}

// useOwnCache gives the test a cache directory of its own, so that a lab which the user runs is not met. It shares with the user's what
// takes long to build.
func useOwnCache(t *testing.T) {
	t.Helper()
	user, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	shared := filepath.Join(user, "cross-account-s3", "pulumi")
	cache := t.TempDir()
	if err := os.MkdirAll(shared, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(cache, "cross-account-s3"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(shared, filepath.Join(cache, "cross-account-s3", "pulumi")); err != nil {
		t.Fatal(err)
	}
	// Go keeps what it has compiled in the user's cache directory as well.
	compiled, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", strings.TrimSpace(string(compiled)))
	t.Setenv("XDG_CACHE_HOME", cache)
}
