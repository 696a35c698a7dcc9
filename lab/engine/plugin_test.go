package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

// plugin says what it was started with, and ends as it is told, or not at all.
const plugin = `package main

import (
	"fmt"
	"os"
)

func main() {
	dir, _ := os.Getwd()
	fmt.Println(os.Args[1:], dir, os.Environ())
	fmt.Fprintln(os.Stderr, "to standard error")
	switch os.Args[1] {
	case "fail":
		os.Exit(3)
	case "hang":
		select {}
	}
}
`

// runPlugin runs a plugin to its end.
func runPlugin(t *testing.T, source string, args ...string) (stdout, stderr string, code int32, err error) {
	t.Helper()
	client, _ := attach(t, startHost(t, writeProgram(t, program)), startEngine(t))
	stream, err := client.RunPlugin(t.Context(), &pulumirpc.RunPluginRequest{
		Pwd: "/", Args: args, Env: []string{"A=b"}, Info: &pulumirpc.ProgramInfo{ProgramDirectory: source},
	})
	if err != nil {
		t.Fatal(err)
	}
	for code = -1; code < 0; {
		response, err := stream.Recv()
		if err != nil {
			return stdout, stderr, code, err
		}
		switch output := response.GetOutput().(type) {
		case *pulumirpc.RunPluginResponse_Stdout:
			stdout += string(output.Stdout)
			if strings.Contains(stdout, "hang") {
				if _, err := client.Cancel(t.Context(), &emptypb.Empty{}); err != nil {
					t.Fatal(err)
				}
			}
		case *pulumirpc.RunPluginResponse_Stderr:
			stderr += string(output.Stderr)
		case *pulumirpc.RunPluginResponse_Exitcode:
			code = output.Exitcode
		}
	}
	return stdout, stderr, code, nil
}

func TestRunPlugin(t *testing.T) {
	// As in the lab, where the project is one of links.
	source := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(writeProgram(t, plugin), source); err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]int32{"succeed": 0, "fail": 3} {
		stdout, stderr, code, err := runPlugin(t, source, word, "127.0.0.1:1")
		if stdout != "["+word+" 127.0.0.1:1] / [A=b]\n" || stderr != "to standard error\n" || code != want || err != nil {
			t.Errorf("%s: it says %q and %q, and ends with %d, %v", word, stdout, stderr, code, err)
		}
	}
	// The engine ends it.
	if _, _, _, err := runPlugin(t, source, "hang"); status.Code(err) != codes.Canceled {
		t.Errorf("it ends with %v, want it cancelled", err)
	}
}

func TestRunPluginFails(t *testing.T) {
	if _, _, _, err := runPlugin(t, writeProgram(t, "package main\n\nfunc main() { one() }\n")); err == nil ||
		!strings.Contains(err.Error(), "main.go:3:15: undefined: one") {
		t.Errorf("%v, want what the compiler says", err)
	}
	if _, _, _, err := runPlugin(t, filepath.Join(t.TempDir(), "none")); err == nil || !strings.Contains(err.Error(), "finding the plugin") {
		t.Errorf("%v, want that there is none", err)
	}
}

// The engine looks for a language plugin in its home before it asks a language host to run a policy pack.
func TestAnnounce(t *testing.T) {
	home := t.TempDir()
	t.Setenv("PULUMI_HOME", home)
	t.Setenv("PATH", "")
	find := func() error {
		_, err := workspace.GetPluginPath(t.Context(), nil, workspace.PluginDescriptor{Name: "go", Kind: apitype.LanguagePlugin}, nil)
		return err
	}
	if err := find(); err == nil {
		t.Fatal("there is one before")
	}
	if err := Announce(home); err != nil {
		t.Fatal(err)
	}
	if err := find(); err != nil {
		t.Error(err)
	}
	if err := Announce(filepath.Join(home, "plugins", "language-go-v0.0.0", "pulumi-language-go")); err == nil {
		t.Error("it announces in a file")
	}
}
