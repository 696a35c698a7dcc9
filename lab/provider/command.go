package provider

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/cmdutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// command simulates the provider pulumi-command, of which the lab has the function local.run alone. It really runs the command.
type command struct {
	pulumirpc.UnimplementedResourceProviderServer
}

// GetPluginInfo says which version of pulumi-command this stands in for.
func (p *command) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: "1.2.0"}, nil
}

// Attach is how the engine greets a provider that it did not start itself.
func (p *command) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// Configure has nothing to configure.
func (p *command) Configure(context.Context, *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	return &pulumirpc.ConfigureResponse{SupportsPreview: true}, nil
}

// Check refuses: the lab has none of the resources of pulumi-command.
func (p *command) Check(_ context.Context, request *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	return nil, status.Errorf(codes.Unimplemented, "the lab does not simulate %s; of the provider command it has the function "+
		"command:local:run", request.GetType())
}

// runArgs are the inputs of local.run.
type runArgs struct {
	Command     string            `json:"command" lab:"required"`
	Dir         string            `json:"dir"`
	Environment map[string]string `json:"environment"`
	Interpreter []string          `json:"interpreter"`
	Stdin       string            `json:"stdin"`
	Logging     string            `json:"logging"`
}

// waitDelay is how long a stopped command's output may stay open.
const waitDelay = time.Second

// Invoke runs a command of this machine, as pulumi-command does.
func (p *command) Invoke(ctx context.Context, request *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	if request.GetTok() != "command:local:run" {
		return nil, status.Errorf(codes.Unimplemented, "the lab does not simulate the function %s", request.GetTok())
	}
	inputs, err := read(request.GetArgs())
	if err != nil {
		return nil, err
	}
	delete(inputs, "addPreviousOutputInEnv")
	args, err := decode[runArgs](inputs, nil)
	if err != nil {
		return nil, status.Errorf(codes.InvalidArgument, "command:local:run: %v", err)
	}
	interpreter := args.Interpreter
	if len(interpreter) == 0 {
		interpreter = []string{"/bin/sh", "-c"}
	}
	line := append(slices.Clone(interpreter), args.Command)
	running := exec.CommandContext(ctx, line[0], line[1:]...) // The program asked for just this.
	running.Dir = args.Dir
	running.Env = os.Environ()
	for _, name := range slices.Sorted(maps.Keys(args.Environment)) {
		running.Env = append(running.Env, name+"="+args.Environment[name])
	}
	// What the command started is to end with it.
	cmdutil.RegisterProcessGroup(running)
	running.Cancel = func() error { return cmdutil.KillChildren(running.Process.Pid) }
	running.WaitDelay = waitDelay
	running.Stdin = strings.NewReader(args.Stdin)
	var stdout, stderr bytes.Buffer
	running.Stdout, running.Stderr = &stdout, &stderr
	if err := running.Run(); err != nil {
		return nil, status.Errorf(codes.Unknown, "%v: running %q:\n%s%s", err, firstLine(args.Command), stdout.String(), stderr.String())
	}
	outputs := inputs.Copy()
	outputs["stdout"] = resource.NewProperty(strings.TrimSuffix(stdout.String(), "\n"))
	outputs["stderr"] = resource.NewProperty(strings.TrimSuffix(stderr.String(), "\n"))
	text, err := write(outputs)
	if err != nil {
		return nil, fmt.Errorf("answering command:local:run: %w", err)
	}
	return &pulumirpc.InvokeResponse{Return: text}, nil
}

// firstLine tells a command from others without all of it.
func firstLine(command string) string {
	for line := range strings.Lines(command) {
		if line = strings.TrimSpace(line); line != "" && line != "set -e" {
			return line
		}
	}
	return command
}
