package engine

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/status"
)

// Announce has engines with this home, the directory of PULUMI_HOME, find a language plugin for Go. Before an engine asks a language host
// to run a policy pack, it looks for the plugin on disk, also where it is attached to one. The file is never run.
func Announce(home string) error {
	dir := filepath.Join(home, "plugins", "language-go-v0.0.0")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("announcing the language host: %w", err)
	}
	text := "This stands for the language host that engines attach to.\n"
	if err := os.WriteFile(filepath.Join(dir, "pulumi-language-go"), []byte(text), 0o644); err != nil {
		return fmt.Errorf("announcing the language host: %w", err)
	}
	return nil
}

// RunPlugin compiles a plugin, as a policy pack, and runs it to its end, with the arguments, environment and working directory that the
// engine asks for. What it writes goes to the engine as it is: the first line says where to connect.
func (h *LanguageHost) RunPlugin(request *pulumirpc.RunPluginRequest, stream pulumirpc.LanguageRuntime_RunPluginServer) error {
	attached := engineOf(stream.Context())
	ctx, cancel := attached.whileAttached(stream.Context())
	defer cancel()
	// The lab's project is one of links, and the go command does not look for a module behind one.
	source, err := filepath.EvalSymlinks(request.GetInfo().GetProgramDirectory())
	if err != nil {
		return fmt.Errorf("finding the plugin: %w", err)
	}
	binary := filepath.Join(h.binaries, "plugin-"+filepath.Base(source))
	unlock, err := build(ctx, "plugin", source, binary, io.Discard)
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, binary, request.GetArgs()...)
	command.Dir, command.Env = request.GetPwd(), request.GetEnv()
	var sending sync.Mutex
	command.Stdout = pluginOutput(func(data []byte) error {
		sending.Lock()
		defer sending.Unlock()
		return stream.Send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stdout{Stdout: data}})
	})
	command.Stderr = pluginOutput(func(data []byte) error {
		sending.Lock()
		defer sending.Unlock()
		return stream.Send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Stderr{Stderr: data}})
	})
	cmdutil.RegisterProcessGroup(command)
	command.Cancel = func() error { return cmdutil.KillChildren(command.Process.Pid) }
	command.WaitDelay = grace
	err = command.Start()
	unlock()
	if err != nil {
		return fmt.Errorf("starting the plugin in %s: %w", source, err)
	}
	err = command.Wait()
	var failed *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return status.FromContextError(ctx.Err()).Err()
	case err != nil && !errors.As(err, &failed):
		return fmt.Errorf("running the plugin in %s: %w", source, err)
	}
	code := int32(command.ProcessState.ExitCode()) //nolint:gosec // It is an exit code.
	return stream.Send(&pulumirpc.RunPluginResponse{Output: &pulumirpc.RunPluginResponse_Exitcode{Exitcode: code}})
}

// pluginOutput sends what is written.
type pluginOutput func([]byte) error

// Write sends data.
func (send pluginOutput) Write(data []byte) (int, error) { return len(data), send(data) }
