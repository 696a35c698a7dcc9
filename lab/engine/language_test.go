package engine

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// program does what its configuration tells it to.
const program = `package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

func main() {
	config := os.Getenv("PULUMI_CONFIG")
	switch {
	case strings.Contains(config, "environment"):
		for _, name := range []string{"ORGANIZATION", "PROJECT", "STACK", "ROOT_DIRECTORY", "CONFIG", "CONFIG_SECRET_KEYS",
			"DRY_RUN", "PARALLEL", "MONITOR", "ENGINE"} {
			fmt.Println(name + "=" + os.Getenv("PULUMI_" + name))
		}
		dir, _ := os.Getwd()
		fmt.Println("in " + dir)
	case strings.Contains(config, "output"):
		fmt.Print("out\xff\nno end")
		fmt.Fprintln(os.Stderr, "err")
	case strings.Contains(config, "bail"):
		os.Exit(32)
	case strings.Contains(config, "fail"):
		os.Exit(3)
	case strings.Contains(config, "killed"):
		self, _ := os.FindProcess(os.Getpid())
		self.Kill()
		select {}
	case strings.Contains(config, "hang"):
		pipe, err := os.OpenFile("pipe", os.O_WRONLY, 0)
		if err != nil {
			panic(err)
		}
		child := exec.Command("sleep", "1000")
		child.Stdout = os.Stdout
		child.ExtraFiles = []*os.File{pipe}
		if err := child.Start(); err != nil {
			panic(err)
		}
		fmt.Println("begun")
		child.Wait()
	}
}
`

// fakeEngine is an engine's end: what a language host tells it.
type fakeEngine struct {
	pulumirpc.UnimplementedEngineServer
	address string

	mu       sync.Mutex
	messages []*pulumirpc.LogRequest
	logged   chan string
}

func (e *fakeEngine) Log(_ context.Context, message *pulumirpc.LogRequest) (*emptypb.Empty, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.messages = append(e.messages, message)
	select {
	case e.logged <- message.GetMessage():
	default:
	}
	return &emptypb.Empty{}, nil
}

// said is everything of a severity and a stream.
func (e *fakeEngine) said(severity pulumirpc.LogSeverity, stream int32) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all strings.Builder
	for _, message := range e.messages {
		if message.GetSeverity() == severity && message.GetStreamId() == stream {
			all.WriteString(message.GetMessage())
		}
	}
	return all.String()
}

func startEngine(t *testing.T) *fakeEngine {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	engine := &fakeEngine{address: listener.Addr().String(), logged: make(chan string, 1)}
	server := grpc.NewServer()
	pulumirpc.RegisterEngineServer(server, engine)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	return engine
}

// dial is a connection to a host, as an engine makes it.
func dial(t *testing.T, host *LanguageHost) (pulumirpc.LanguageRuntimeClient, *grpc.ClientConn) {
	t.Helper()
	listener := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: host.Port()}
	conn, err := grpc.NewClient(listener.String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return pulumirpc.NewLanguageRuntimeClient(conn), conn
}

// attach is a client of a host that has told the host about an engine.
func attach(t *testing.T, host *LanguageHost, engine *fakeEngine) (pulumirpc.LanguageRuntimeClient, *grpc.ClientConn) {
	t.Helper()
	client, conn := dial(t, host)
	if _, err := client.Handshake(t.Context(), &pulumirpc.LanguageHandshakeRequest{EngineAddress: engine.address}); err != nil {
		t.Fatal(err)
	}
	return client, conn
}

func startHost(t *testing.T, source string) *LanguageHost {
	t.Helper()
	host, err := StartLanguageHost(t.Context(), source, filepath.Join(t.TempDir(), "new"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	})
	return host
}

func writeProgram(t *testing.T, main string) string {
	t.Helper()
	return write(t, t.TempDir(), map[string]string{"go.mod": "module program\n\ngo 1.26.0\n", "main.go": main})
}

func TestRun(t *testing.T) {
	t.Setenv("GOOS", "plan9")
	t.Setenv("PULUMI_STACK", "the shell's own")
	host := startHost(t, writeProgram(t, program))
	for name, test := range map[string]struct {
		want   *pulumirpc.RunResponse
		stdout string
		stderr string
	}{
		"succeed": {want: &pulumirpc.RunResponse{}},
		"output":  {want: &pulumirpc.RunResponse{}, stdout: "out\uFFFD\nno end", stderr: "err\n"},
		"bail":    {want: &pulumirpc.RunResponse{Bail: true}},
		"fail":    {want: &pulumirpc.RunResponse{Error: "the program ended with exit code 3"}},
		"killed":  {want: &pulumirpc.RunResponse{Error: "the program: signal: killed"}},
	} {
		t.Run(name, func(t *testing.T) {
			engine := startEngine(t)
			client, _ := attach(t, host, engine)
			got, err := client.Run(t.Context(), &pulumirpc.RunRequest{Pwd: t.TempDir(), Config: map[string]string{"x:do": name}})
			if err != nil {
				t.Fatal(err)
			}
			if got.GetError() != test.want.GetError() || got.GetBail() != test.want.GetBail() {
				t.Errorf("the program ended with %v, want %v", got, test.want)
			}
			if got := engine.said(pulumirpc.LogSeverity_INFO, 1); got != test.stdout {
				t.Errorf("standard output is %q, want %q", got, test.stdout)
			}
			if got := engine.said(pulumirpc.LogSeverity_INFO, 2); got != test.stderr {
				t.Errorf("standard error is %q, want %q", got, test.stderr)
			}
		})
	}
}

func TestRunEnvironment(t *testing.T) {
	host := startHost(t, writeProgram(t, program))
	// Two engines at once: each program belongs to the one that runs it.
	first, second := startEngine(t), startEngine(t)
	client, _ := attach(t, host, first)
	attach(t, host, second)
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Run(t.Context(), &pulumirpc.RunRequest{
		Organization:     "organization",
		Project:          "project",
		Stack:            "account-a",
		Pwd:              dir,
		Config:           map[string]string{"x:do": "environment"},
		ConfigSecretKeys: []string{"x:secret"},
		DryRun:           true,
		Parallel:         16,
		MonitorAddress:   "127.0.0.1:1",
		Info:             &pulumirpc.ProgramInfo{RootDirectory: "/root-directory", ProgramDirectory: dir},
	})
	if err != nil || response.GetError() != "" {
		t.Fatal(response, err)
	}
	want := []string{
		"ORGANIZATION=organization", "PROJECT=project", "STACK=account-a", "ROOT_DIRECTORY=/root-directory",
		`CONFIG={"x:do":"environment"}`, `CONFIG_SECRET_KEYS=["x:secret"]`, "DRY_RUN=true", "PARALLEL=16", "MONITOR=127.0.0.1:1",
		"ENGINE=" + first.address, "in " + dir, "",
	}
	if got := strings.Split(first.said(pulumirpc.LogSeverity_INFO, 1), "\n"); !slices.Equal(got, want) {
		t.Errorf("the program sees\n%q, want\n%q", got, want)
	}
	if got := second.said(pulumirpc.LogSeverity_INFO, 1); got != "" {
		t.Errorf("another engine got %q", got)
	}
}

func TestRunDoesNotCompile(t *testing.T) {
	source := writeProgram(t, "package main\n\nfunc main() {\n\tone()\n\ttwo(1,\n\t\t2)\n}\n")
	host, engine := startHost(t, source), startEngine(t)
	client, _ := attach(t, host, engine)
	response, err := client.Run(t.Context(), &pulumirpc.RunRequest{Pwd: t.TempDir()})
	if err != nil || !response.GetBail() || response.GetError() != "" {
		t.Errorf("the program ended with %v, %v; want it to bail", response, err)
	}
	want := "building the Pulumi program in " + source + " failed:\n# program\n./main.go:4:2: undefined: one\n./main.go:5:2: undefined: two"
	if got := engine.said(pulumirpc.LogSeverity_ERROR, 0); got != want {
		t.Errorf("the engine shows\n%s\nwant\n%s", got, want)
	}

	// Mended, it runs.
	write(t, source, map[string]string{"main.go": program})
	if response, err := client.Run(t.Context(), &pulumirpc.RunRequest{Pwd: t.TempDir()}); err != nil || response.GetBail() {
		t.Errorf("the program ended with %v, %v", response, err)
	}
}

func TestRunBuildsOnce(t *testing.T) {
	source := writeProgram(t, program)
	host, engine := startHost(t, source), startEngine(t)
	run := func() {
		client, _ := attach(t, host, engine)
		if response, err := client.Run(t.Context(), &pulumirpc.RunRequest{Pwd: t.TempDir()}); err != nil || response.GetError() != "" {
			t.Error(response, err)
		}
	}
	if err := host.Build(t.Context(), io.Discard); err != nil {
		t.Fatal(err)
	}
	before, err := os.Stat(host.binary)
	if err != nil {
		t.Fatal(err)
	}
	var both sync.WaitGroup
	both.Go(run)
	both.Go(run)
	both.Wait()
	after, err := os.Stat(host.binary)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) {
		t.Error("the unchanged program was linked again")
	}

	write(t, source, map[string]string{"main.go": strings.ReplaceAll(program, "begun", "started")})
	run()
	changed, err := os.ReadFile(host.binary)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(changed, []byte("started")) {
		t.Error("the changed program was not built")
	}
	if left, err := filepath.Glob(filepath.Join(source, "*")); err != nil || len(left) != 2 {
		t.Errorf("the sources are %q, %v; want nothing new", left, err)
	}
}

// A program that runs ends, with its children, however its engine ends it.
func TestRunEnds(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *LanguageHost, pulumirpc.LanguageRuntimeClient, *grpc.ClientConn){
		"Cancel": func(t *testing.T, _ *LanguageHost, client pulumirpc.LanguageRuntimeClient, _ *grpc.ClientConn) {
			if _, err := client.Cancel(t.Context(), &emptypb.Empty{}); err != nil {
				t.Error(err)
			}
		},
		"the engine is gone": func(_ *testing.T, _ *LanguageHost, _ pulumirpc.LanguageRuntimeClient, conn *grpc.ClientConn) {
			conn.Close()
		},
		"Close": func(_ *testing.T, host *LanguageHost, _ pulumirpc.LanguageRuntimeClient, _ *grpc.ClientConn) {
			host.server.Stop()
		},
	} {
		t.Run(name, func(t *testing.T) {
			host, engine := startHost(t, writeProgram(t, program)), startEngine(t)
			dir := t.TempDir()
			if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
				t.Fatal(err)
			}
			client, conn := attach(t, host, engine)
			result := make(chan error, 1)
			go func() {
				_, err := client.Run(t.Context(), &pulumirpc.RunRequest{Pwd: dir, Config: map[string]string{"x:do": "hang"}})
				result <- err
			}()
			// The program and its child hold the other end.
			pipe, err := os.Open(filepath.Join(dir, "pipe"))
			if err != nil {
				t.Fatal(err)
			}
			defer pipe.Close()
			if line := <-engine.logged; line != "begun\n" {
				t.Fatalf("the program said %q", line)
			}
			end(t, host, client, conn)
			if err := <-result; status.Code(err) != codes.Canceled && status.Code(err) != codes.Unavailable {
				t.Errorf("the call ended with %v, want it cancelled", err)
			}
			if data, err := io.ReadAll(pipe); err != nil || len(data) > 0 {
				t.Errorf("the pipe has %q, %v; want it closed", data, err)
			}
		})
	}
}

func TestHandshake(t *testing.T) {
	host := startHost(t, writeProgram(t, program))
	client, _ := dial(t, host)
	if _, err := client.Run(t.Context(), &pulumirpc.RunRequest{}); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("running before the handshake: %v", err)
	}
	if _, err := client.Handshake(t.Context(), &pulumirpc.LanguageHandshakeRequest{}); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a handshake without an address: %v", err)
	}
	if _, err := client.GetPluginInfo(t.Context(), &emptypb.Empty{}); err != nil {
		t.Error(err)
	}
	required, err := client.GetRequiredPackages(t.Context(), &pulumirpc.GetRequiredPackagesRequest{})
	if err != nil || len(required.GetPackages()) > 0 {
		t.Errorf("it requires %v, %v", required.GetPackages(), err)
	}
	if about, err := client.About(t.Context(), &pulumirpc.AboutRequest{}); err != nil || !strings.HasPrefix(about.GetVersion(), "go") {
		t.Errorf("it is about %v, %v", about, err)
	}
}

func TestStartLanguageHostFails(t *testing.T) {
	file := filepath.Join(write(t, t.TempDir(), map[string]string{"file": ""}), "file")
	if _, err := StartLanguageHost(t.Context(), t.TempDir(), file); err == nil {
		t.Error("it keeps programs in a file")
	}
}
