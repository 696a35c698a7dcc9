package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pulumi/pulumi/sdk/v3/go/common/constant"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// LanguageHost stands in for the language plugin pulumi-language-go: it compiles the Pulumi program, and policy packs, and runs them for
// every engine that attaches, several at once too. An engine attaches by PULUMI_DEBUG_LANGUAGES=go:PORT.
type LanguageHost struct {
	pulumirpc.UnimplementedLanguageRuntimeServer

	source   string
	binary   string
	binaries string
	port     int
	server   *grpc.Server
	served   chan error
}

// StartLanguageHost starts a language host on a free port of the loopback interface, until it is closed; ctx is for starting it.
// The program's sources are those in the directory source, wherever the engine runs. Its binary is kept in the directory binaries, so
// that a program which has not changed is neither compiled nor linked again.
func StartLanguageHost(ctx context.Context, source, binaries string) (*LanguageHost, error) {
	binaries, err := filepath.Abs(binaries)
	if err != nil {
		return nil, fmt.Errorf("finding the directory for the program: %w", err)
	}
	if err := os.MkdirAll(binaries, 0o755); err != nil {
		return nil, fmt.Errorf("making the directory for the program: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("starting the language host: %w", err)
	}
	address, _ := listener.Addr().(*net.TCPAddr)
	host := &LanguageHost{
		source:   source,
		binary:   filepath.Join(binaries, "program"),
		binaries: binaries,
		port:     address.Port,
		// Whoever stops the server wants the programs to have ended.
		server: grpc.NewServer(grpc.StatsHandler(connections{}), grpc.WaitForHandlers(true)),
		served: make(chan error, 1),
	}
	pulumirpc.RegisterLanguageRuntimeServer(host.server, host)
	go func() { host.served <- host.server.Serve(listener) }()
	return host, nil
}

// Port is where it listens on 127.0.0.1.
func (h *LanguageHost) Port() int { return h.port }

// Close ends the programs that run, and the host. It may be called once.
func (h *LanguageHost) Close() error {
	h.server.Stop()
	if err := <-h.served; err != nil {
		return fmt.Errorf("the language host: %w", err)
	}
	return nil
}

// Build compiles the program, saying on progress every ten seconds that it is alive. Whoever runs the engine need not call it, as the
// engine asks for it; but the engine has no way to show how far a first build is, which can take minutes.
func (h *LanguageHost) Build(ctx context.Context, progress io.Writer) error {
	unlock, err := h.build(ctx, progress)
	if err != nil {
		return err
	}
	unlock()
	return nil
}

// build compiles the program. Nobody else does until the caller unlocks, so that what is started is what was built.
func (h *LanguageHost) build(ctx context.Context, progress io.Writer) (unlock func(), err error) {
	return build(ctx, "Pulumi program", h.source, h.binary, progress)
}

func build(ctx context.Context, what, source, binary string, progress io.Writer) (unlock func(), err error) {
	unlock, err = lock(ctx, binary+".lock", progress)
	if err != nil {
		return nil, err
	}
	// Stamped with the version history, the binary would be linked again for every commit.
	if err := goBuild(ctx, source, progress, nil, "-buildvcs=false", "-o", binary, "."); err != nil {
		unlock()
		if ctx.Err() != nil {
			return nil, fmt.Errorf("building the %s: %w", what, err)
		}
		return nil, fmt.Errorf("building the %s in %s failed:\n%w", what, source, err)
	}
	return unlock, nil
}

// connection is one engine. All its calls come through the connection by which it has introduced itself.
type connection struct {
	address atomic.Pointer[string] // where the engine itself listens; nil before the handshake
	cancel  func()                 // ends the programs it runs
	ended   <-chan struct{}
}

// connections gives every connection of the server a state of its own, which its calls find in their context.
type connections struct{}

type connectionKey struct{}

// TagConn begins a connection.
func (connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	ended := make(chan struct{})
	engine := &connection{cancel: sync.OnceFunc(func() { close(ended) }), ended: ended}
	return context.WithValue(ctx, connectionKey{}, engine)
}

// HandleConn does nothing: the calls of a connection that ends are cancelled anyway.
func (connections) HandleConn(context.Context, stats.ConnStats) {}

// TagRPC does nothing.
func (connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC does nothing.
func (connections) HandleRPC(context.Context, stats.RPCStats) {}

// whileAttached is a context that also ends when the engine asks for its programs to end.
func (c *connection) whileAttached(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-c.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

func engineOf(ctx context.Context) *connection {
	engine, _ := ctx.Value(connectionKey{}).(*connection)
	return engine
}

// Handshake is the first call of an engine: it says where the engine listens.
func (h *LanguageHost) Handshake(
	ctx context.Context, request *pulumirpc.LanguageHandshakeRequest,
) (*pulumirpc.LanguageHandshakeResponse, error) {
	if request.GetEngineAddress() == "" {
		return nil, status.Error(codes.InvalidArgument, "the handshake does not say where the engine listens")
	}
	engineOf(ctx).address.Store(&request.EngineAddress)
	return &pulumirpc.LanguageHandshakeResponse{}, nil
}

// GetPluginInfo says nothing: the host has no version to compare with anything.
func (h *LanguageHost) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{}, nil
}

// GetRequiredPackages names none, so that the engine looks for no plugin before the program asks for it.
func (h *LanguageHost) GetRequiredPackages(
	context.Context, *pulumirpc.GetRequiredPackagesRequest,
) (*pulumirpc.GetRequiredPackagesResponse, error) {
	return &pulumirpc.GetRequiredPackagesResponse{}, nil
}

// About is what `pulumi about` and the metadata of an update tell of the language.
func (h *LanguageHost) About(context.Context, *pulumirpc.AboutRequest) (*pulumirpc.AboutResponse, error) {
	return &pulumirpc.AboutResponse{Version: runtime.Version()}, nil
}

// Cancel ends the programs that the engine runs. The engine asks for it when it is interrupted, and runs nothing afterwards.
func (h *LanguageHost) Cancel(ctx context.Context, _ *emptypb.Empty) (*emptypb.Empty, error) {
	engineOf(ctx).cancel()
	return &emptypb.Empty{}, nil
}

// Run compiles the program and runs it to its end. What the program writes, and a compiler's errors, reach the user as messages of
// the engine.
func (h *LanguageHost) Run(ctx context.Context, request *pulumirpc.RunRequest) (*pulumirpc.RunResponse, error) {
	attached := engineOf(ctx)
	address := attached.address.Load()
	if address == nil {
		return nil, status.Error(codes.FailedPrecondition, "the engine runs a program before its handshake")
	}
	ctx, cancel := attached.whileAttached(ctx)
	defer cancel()
	conn, err := grpc.NewClient(*address, grpc.WithTransportCredentials(insecure.NewCredentials()), rpcutil.GrpcChannelOptions())
	if err != nil {
		return nil, fmt.Errorf("connecting to the engine at %s: %w", *address, err)
	}
	defer func() { _ = conn.Close() }()
	engine := pulumirpc.NewEngineClient(conn)

	unlock, err := h.build(ctx, io.Discard)
	if ctx.Err() != nil {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if err != nil {
		// As the program's error it would be called unhandled; as a message of the engine's it is shown as it is.
		message := &pulumirpc.LogRequest{Severity: pulumirpc.LogSeverity_ERROR, Message: strings.ToValidUTF8(err.Error(), "\uFFFD")}
		if _, err := engine.Log(ctx, message); err != nil {
			return nil, fmt.Errorf("telling the engine that %s: %w", message.GetMessage(), err)
		}
		return &pulumirpc.RunResponse{Bail: true}, nil
	}
	environment, err := programEnvironment(request, *address)
	if err != nil {
		unlock()
		return nil, err
	}
	command := exec.CommandContext(ctx, h.binary)
	command.Dir = request.GetPwd()
	command.Env = append(command.Environ(), environment...)
	stdout, stderr := &engineLog{ctx: ctx, engine: engine, stream: 1}, &engineLog{ctx: ctx, engine: engine, stream: 2}
	command.Stdout, command.Stderr = stdout, stderr
	cmdutil.RegisterProcessGroup(command)
	command.Cancel = func() error { return cmdutil.KillChildren(command.Process.Pid) }
	command.WaitDelay = grace
	err = command.Start()
	unlock()
	if err != nil {
		return nil, fmt.Errorf("starting the Pulumi program: %w", err)
	}
	err = errors.Join(command.Wait(), stdout.flush(), stderr.flush())
	if ctx.Err() != nil {
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	switch code := command.ProcessState.ExitCode(); {
	case code == constant.ExitStatusLoggedError:
		return &pulumirpc.RunResponse{Bail: true}, nil
	case code > 0:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program ended with exit code %d", code)}, nil
	case err != nil:
		return &pulumirpc.RunResponse{Error: fmt.Sprintf("the program: %v", err)}, nil
	}
	return &pulumirpc.RunResponse{}, nil
}

// programEnvironment is how Pulumi's Go SDK learns what it runs for.
func programEnvironment(request *pulumirpc.RunRequest, engine string) ([]string, error) {
	config, err := json.Marshal(request.GetConfig())
	if err != nil {
		return nil, fmt.Errorf("handing the configuration to the program: %w", err)
	}
	secrets, err := json.Marshal(request.GetConfigSecretKeys())
	if err != nil {
		return nil, fmt.Errorf("handing the names of the secrets to the program: %w", err)
	}
	return []string{
		pulumi.EnvOrganization + "=" + request.GetOrganization(),
		pulumi.EnvProject + "=" + request.GetProject(),
		pulumi.EnvStack + "=" + request.GetStack(),
		pulumi.EnvPulumiRootDirectory + "=" + request.GetInfo().GetRootDirectory(),
		pulumi.EnvConfig + "=" + string(config),
		pulumi.EnvConfigSecretKeys + "=" + string(secrets),
		pulumi.EnvDryRun + "=" + strconv.FormatBool(request.GetDryRun()),
		pulumi.EnvParallel + "=" + strconv.Itoa(int(request.GetParallel())),
		pulumi.EnvMonitor + "=" + request.GetMonitorAddress(),
		pulumi.EnvEngine + "=" + engine,
	}, nil
}

// engineLog writes to the engine's messages, whole lines at a time.
type engineLog struct {
	ctx    context.Context
	engine pulumirpc.EngineClient
	stream int32  // what the engine knows by that messages belong together
	rest   []byte // of a line that has not ended yet
}

// Write takes a part of the output; lines may be cut anywhere.
func (l *engineLog) Write(data []byte) (int, error) {
	l.rest = append(l.rest, data...)
	end := bytes.LastIndexByte(l.rest, '\n') + 1
	lines := l.rest[:end]
	l.rest = l.rest[end:]
	return len(data), l.send(lines)
}

// flush writes what is left of a line without an end.
func (l *engineLog) flush() error { return l.send(l.rest) }

func (l *engineLog) send(lines []byte) error {
	if len(bytes.TrimSpace(lines)) == 0 {
		return nil
	}
	_, err := l.engine.Log(l.ctx, &pulumirpc.LogRequest{
		Severity: pulumirpc.LogSeverity_INFO,
		Message:  strings.ToValidUTF8(string(lines), "\uFFFD"),
		StreamId: l.stream,
	})
	if err != nil {
		return fmt.Errorf("handing the program's output to the engine: %w", err)
	}
	return nil
}
