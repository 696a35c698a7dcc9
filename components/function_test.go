package components

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// registerFunction runs a program with a role and the function in the directory, as in the project's.
func registerFunction(t *testing.T, m *monitor, directory string, change func(*FunctionArgs)) error {
	t.Helper()
	t.Chdir(directory)
	args := &FunctionArgs{
		Settings: FunctionSettings{
			Name: "CrossAccountS3Access", Architecture: "arm64", MemorySize: 256, Timeout: 30, ReservedConcurrency: -1,
			LogRetentionDays: 30, Tracing: "PassThrough", Oversize: "presign", PresignTTL: 15 * time.Minute,
		},
		LogGroupName: "/aws/lambda/CrossAccountS3Access",
		Access:       accessTo("data/", Read, List),
		BucketOwner:  "987654321098",
	}
	if change != nil {
		change(args)
	}
	return m.run("account-a", nil, func(ctx *pulumi.Context) error {
		var err error
		args.Role, err = NewExecutionRole(ctx, "role", &ExecutionRoleArgs{Name: "CrossAccountS3Role", Access: args.Access})
		if err != nil {
			return err
		}
		_, err = NewFunction(ctx, "function", args)
		return err
	})
}

// buildOf leaves an archive with the content where a build of the architecture would.
func buildOf(architecture, content string) func(map[string]any) error {
	return func(args map[string]any) error {
		path := filepath.Join(args["dir"].(string), ".build/lambda", architecture, "handler.zip")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return os.WriteFile(path, []byte(content), 0o600)
	}
}

func hashOf(content []byte) string {
	sum := sha256.Sum256(content)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// takeCode takes the archive out of a function's inputs and returns its path.
func takeCode(t *testing.T, inputs map[string]any) string {
	t.Helper()
	code, isArchive := inputs["code"].(*resource.Archive)
	if !isArchive {
		t.Fatalf("the code is %T, not an archive", inputs["code"])
	}
	delete(inputs, "code")
	return code.Path
}

func TestFunction(t *testing.T) {
	const component = "cross-account-s3:index:Function::function"
	m := &monitor{build: buildOf("arm64", "an archive")}
	if err := registerFunction(t, m, t.TempDir(), nil); err != nil {
		t.Fatal(err)
	}

	logGroup := m.one(t, "aws:cloudwatch/logGroup:LogGroup")
	expectEqual(t, "log group", logGroup.inputs, map[string]any{"name": "/aws/lambda/CrossAccountS3Access", "retentionInDays": 30.0})
	expectEqual(t, "parent of the log group", logGroup.parent, component)

	function := m.one(t, "aws:lambda/function:Function")
	expectEqual(t, "parent of the function", function.parent, component)
	// A path that is not relative would be another one in every clone.
	expectEqual(t, "archive", takeCode(t, function.inputs), ".build/lambda/arm64/handler.zip")
	expectEqual(t, "function", function.inputs, map[string]any{
		"name":                         "CrossAccountS3Access",
		"description":                  "Uses the bucket my-cross-account-bucket of account 987654321098",
		"role":                         "arn-of-role",
		"packageType":                  "Zip",
		"runtime":                      "provided.al2023",
		"handler":                      "bootstrap",
		"architectures":                []any{"arm64"},
		"sourceCodeHash":               hashOf([]byte("an archive")),
		"memorySize":                   256.0,
		"timeout":                      30.0,
		"reservedConcurrentExecutions": -1.0,
		"tracingConfig":                map[string]any{"mode": "PassThrough"},
		"loggingConfig":                map[string]any{"logFormat": "JSON", "logGroup": "/aws/lambda/CrossAccountS3Access"},
		"environment": map[string]any{"variables": map[string]any{
			"BUCKETS": "my-cross-account-bucket", "BUCKET_OWNER": "987654321098", "KEY_PREFIX": "data/", "OVERSIZE": "presign", "PRESIGN_TTL": "15m0s",
		}},
	})
	// A function that starts before its policies and its log group are there fails its first requests, or makes a group without
	// a retention.
	expectEqual(t, "what comes before the function", function.dependencies, []string{
		"aws:cloudwatch/logGroup:LogGroup::function",
		"aws:iam/role:Role::role",
		"aws:iam/rolePolicy:RolePolicy::role-bucket-access",
		"aws:iam/rolePolicy:RolePolicy::role-telemetry",
	})
}

func TestFunctionSettings(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*FunctionArgs)
		want   map[string]any
	}{
		{"x86", func(a *FunctionArgs) { a.Settings.Architecture = "x86_64" }, map[string]any{"architectures": []any{"x86_64"}}},
		{"memory", func(a *FunctionArgs) { a.Settings.MemorySize = 1024 }, map[string]any{"memorySize": 1024.0}},
		{"timeout", func(a *FunctionArgs) { a.Settings.Timeout = 5 }, map[string]any{"timeout": 5.0}},
		{"concurrency", func(a *FunctionArgs) { a.Settings.ReservedConcurrency = 3 }, map[string]any{"reservedConcurrentExecutions": 3.0}},
		{"tracing", func(a *FunctionArgs) { a.Settings.Tracing = "Active" }, map[string]any{"tracingConfig": map[string]any{"mode": "Active"}}},
		{"whole bucket, refusing", func(a *FunctionArgs) {
			a.Access.Prefix, a.Settings.Oversize, a.Settings.PresignTTL = "", "refuse", time.Hour
		}, map[string]any{"environment": map[string]any{"variables": map[string]any{
			"BUCKETS": "my-cross-account-bucket", "BUCKET_OWNER": "987654321098", "OVERSIZE": "refuse", "PRESIGN_TTL": "1h0m0s",
		}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := &monitor{build: func(args map[string]any) error {
				return errors.Join(buildOf("arm64", "")(args), buildOf("x86_64", "")(args))
			}}
			if err := registerFunction(t, m, t.TempDir(), c.change); err != nil {
				t.Fatal(err)
			}
			inputs := m.one(t, "aws:lambda/function:Function").inputs
			for key, want := range c.want {
				expectEqual(t, key, inputs[key], want)
			}
		})
	}
}

// What the handler is, Lambda has to hear of even where the path stays the same.
func TestFunctionSeesNewCode(t *testing.T) {
	for _, content := range []string{"one", "two"} {
		m := &monitor{build: buildOf("arm64", content)}
		if err := registerFunction(t, m, t.TempDir(), nil); err != nil {
			t.Fatal(err)
		}
		expectEqual(t, "hash", m.one(t, "aws:lambda/function:Function").inputs["sourceCodeHash"], hashOf([]byte(content)))
	}
}

func TestFunctionIsNotRegisteredWhenItsBuildFails(t *testing.T) {
	for name, build := range map[string]func(map[string]any) error{
		"the compiler fails":     func(map[string]any) error { return errors.New("handler/main.go:1:1: syntax error") },
		"there is nothing built": func(map[string]any) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			m := &monitor{build: build}
			err := registerFunction(t, m, t.TempDir(), nil)
			if err == nil {
				t.Fatal("no error")
			}
			want := build(nil)
			if want == nil {
				want = errors.New(".build/lambda/arm64/handler.zip")
			}
			if !strings.Contains(err.Error(), want.Error()) || !strings.Contains(err.Error(), "handler") {
				t.Errorf("%q does not tell %q", err, want)
			}
			for _, id := range m.ids() {
				if strings.HasPrefix(id, "aws:lambda") {
					t.Errorf("registered %s", id)
				}
			}
		})
	}
}

// runCommand does what pulumi-command's provider does for local.Run.
func runCommand(args map[string]any) error {
	command := exec.Command("/bin/sh", "-c", args["command"].(string))
	command.Dir = args["dir"].(string)
	command.Env = os.Environ()
	for key, value := range args["environment"].(map[string]any) {
		command.Env = append(command.Env, fmt.Sprintf("%s=%s", key, value))
	}
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: running %q:\n%s", err, args["command"], output)
	}
	return nil
}

// project makes a project with this module's dependencies and a small handler, in a new directory with a go.work above it that
// would not let anything be built.
func project(t *testing.T) string {
	t.Helper()
	parent := t.TempDir()
	directory := filepath.Join(parent, "project")
	if err := os.MkdirAll(filepath.Join(directory, "handler"), 0o755); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{
		filepath.Join(parent, "go.work"):                  "go 1.26.0\n",
		filepath.Join(directory, "handler", "handler.go"): "package main\n\nimport \"github.com/aws/aws-lambda-go/lambda\"\n\nfunc main() { lambda.Start(func() {}) }\n",
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Join(directory, name)] = string(content)
	}
	for path, content := range files {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return directory
}

// The same sources give the same bytes in another directory, at another time and with other settings of the person's Go, so a
// second `up` from a fresh clone shows no change.
func TestArchiveIsReproducible(t *testing.T) {
	clones := []string{project(t), project(t)}
	for architecture, machine := range map[string]elf.Machine{"arm64": elf.EM_AARCH64, "x86_64": elf.EM_X86_64} {
		t.Run(architecture, func(t *testing.T) {
			var archives [][]byte
			for i, clone := range clones {
				if i > 0 {
					t.Setenv("GOARCH", "riscv64")
					t.Setenv("GOAMD64", "v3")
					t.Setenv("GOARM64", "v9.0")
					t.Setenv("CGO_ENABLED", "1")
				}
				m := &monitor{build: runCommand}
				if err := registerFunction(t, m, clone, func(a *FunctionArgs) { a.Settings.Architecture = architecture }); err != nil {
					t.Fatal(err)
				}
				inputs := m.one(t, "aws:lambda/function:Function").inputs
				archive, err := os.ReadFile(filepath.Join(clone, takeCode(t, inputs)))
				if err != nil {
					t.Fatal(err)
				}
				expectEqual(t, "hash", inputs["sourceCodeHash"], hashOf(archive))
				archives = append(archives, archive)
			}
			if !bytes.Equal(archives[0], archives[1]) {
				t.Error("two clones give two archives")
			}

			archive, err := zip.NewReader(bytes.NewReader(archives[0]), int64(len(archives[0])))
			if err != nil {
				t.Fatal(err)
			}
			if len(archive.File) != 1 || archive.File[0].Name != "bootstrap" {
				t.Fatalf("%d files in the archive, expected bootstrap alone", len(archive.File))
			}
			bootstrap := archive.File[0]
			if mode := bootstrap.Mode(); mode&0o555 != 0o555 {
				t.Errorf("bootstrap has the mode %s, and Lambda has to read and execute it", mode)
			}
			content, err := bootstrap.Open()
			if err != nil {
				t.Fatal(err)
			}
			binary, err := io.ReadAll(content)
			if err != nil {
				t.Fatal(err)
			}
			executable, err := elf.NewFile(bytes.NewReader(binary))
			if err != nil {
				t.Fatal(err)
			}
			if executable.Machine != machine {
				t.Errorf("built for %s, want %s", executable.Machine, machine)
			}
			for _, clone := range clones {
				if bytes.Contains(binary, []byte(clone)) {
					t.Errorf("the binary has the path %s in it", clone)
				}
			}
			left, err := filepath.Glob(filepath.Join(clones[0], ".build/lambda", architecture, "*"))
			if err != nil {
				t.Fatal(err)
			}
			if len(left) != 2 {
				t.Errorf("the build left %q, expected bootstrap and handler.zip", left)
			}
		})
	}
}
