package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cross-account-s3/lab/account"
	"cross-account-s3/lab/provider"
)

// project is the directory of this project, as seen from this package.
const project = ".."

// startLab starts a lab with stacks that have nothing in them.
func startLab(t *testing.T, options Options) *Lab {
	t.Helper()
	options.Project = project
	return start(t, options)
}

// startLabOf is startLab for another project.
func startLabOf(t *testing.T, directory string) *Lab {
	t.Helper()
	return start(t, Options{Project: directory})
}

func start(t *testing.T, options Options) *Lab {
	t.Helper()
	options.Progress = t.Output()
	l, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := l.InitStacks(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

func (l *Lab) mustUp(t *testing.T, stacks ...string) {
	t.Helper()
	for _, stack := range stacks {
		if err := l.Up(t.Context(), stack); err != nil {
			t.Fatal(err)
		}
	}
}

func (l *Lab) mustPulumi(t *testing.T, args ...string) string {
	t.Helper()
	out, err := l.Pulumi(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// invoke gives the function's answer to one of the guide's events, or the type of its error.
func (l *Lab) invokeEvent(t *testing.T, operation, key, data string) (answer map[string]any, errorType string) {
	t.Helper()
	event := map[string]any{"operation": operation, "bucketName": l.Settings.BucketName, "objectKey": key}
	if operation == "put" {
		event["data"] = data
	}
	text, err := l.Invoke(t.Context(), event)
	var failure *FunctionError
	if errors.As(err, &failure) {
		return nil, failure.Type
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	return answer, ""
}

func (l *Lab) expectGet(t *testing.T, when, key, want string) {
	t.Helper()
	answer, failure := l.invokeEvent(t, "get", key, "")
	if failure != "" || answer["data"] != want {
		t.Errorf("%s: get %s is %v %s, want %q", when, key, answer, failure, want)
	}
}

func (l *Lab) expectFailure(t *testing.T, when, operation, key, want string) {
	t.Helper()
	if answer, failure := l.invokeEvent(t, operation, key, "x"); failure != want {
		t.Errorf("%s: %s %s is %v %s, want %s", when, operation, key, answer, failure, want)
	}
}

// noChanges expects that an update of the stack would do nothing.
func (l *Lab) noChanges(t *testing.T, when string, stacks ...string) {
	t.Helper()
	for _, stack := range stacks {
		if _, err := l.Pulumi(t.Context(), "preview", "--stack", stack, "--expect-no-changes", "--non-interactive"); err != nil {
			t.Errorf("%s: %v", when, err)
		}
	}
}

// A life of the two stacks, from the first mistake to nothing left.
func TestLifeOfTheStacks(t *testing.T) {
	before := snapshot(t)
	l := startLab(t, Options{})

	t.Run("B before A says what to run", func(t *testing.T) {
		var failed *PulumiError
		if err := l.Up(t.Context(), DataStack); !errors.As(err, &failed) || !strings.Contains(failed.Output, "pulumi up --stack account-a") {
			t.Errorf("%v", err)
		}
		if _, err := l.World().Bucket(l.Settings.BucketName); err == nil {
			t.Error("the bucket was made")
		}
	})

	l.mustUp(t, ComputeStack, DataStack)
	t.Run("the function reads what it wrote", func(t *testing.T) {
		if answer, failure := l.invokeEvent(t, "put", "a.txt", "text"); failure != "" || answer["versionId"] == "" {
			t.Errorf("put: %v %s", answer, failure)
		}
		l.expectGet(t, "deployed", "a.txt", "text")
		l.expectFailure(t, "deployed", "get", "missing.txt", "NoSuchKey")
		log := l.World().LogLines("arn:aws:logs:" + l.Settings.Region + ":" + l.Settings.ComputeAccount + ":log-group:/aws/lambda/" + l.Settings.FunctionName)
		if all := strings.Join(log, "\n"); !strings.Contains(all, `"key":"a.txt"`) || strings.Contains(all, "text\"") {
			t.Errorf("the function's log is to have keys but no data:\n%s", all)
		}
	})

	t.Run("a second up changes nothing", func(t *testing.T) {
		for _, stack := range []string{ComputeStack, DataStack} {
			l.mustPulumi(t, "up", "--stack", stack, "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive")
		}
	})

	t.Run("a preview shows both policies whole", func(t *testing.T) {
		for stack, want := range map[string]string{
			ComputeStack: "arn:aws:s3:::" + l.Settings.BucketName + "/*", DataStack: l.RoleARN(),
		} {
			if documents := policies(t, l.mustPulumi(t, "preview", "--stack", stack, "--json", "--show-sames")); !strings.Contains(documents, want) {
				t.Errorf("%s: %s is not in %s", stack, want, documents)
			}
		}
	})

	t.Run("fewer permissions", func(t *testing.T) {
		for _, stack := range []string{ComputeStack, DataStack} {
			l.mustPulumi(t, "config", "set", "--stack", stack, "--path", "permissions[0]", "read")
		}
		l.mustUp(t, ComputeStack)
		l.expectFailure(t, "the role's half", "put", "b.txt", "AccessDenied")
		l.mustUp(t, DataStack)
		l.expectGet(t, "both halves", "a.txt", "text")
		l.expectFailure(t, "both halves", "put", "b.txt", "AccessDenied")
		for _, stack := range []string{ComputeStack, DataStack} {
			l.mustPulumi(t, "config", "rm", "--stack", stack, "permissions")
		}
		l.mustUp(t, ComputeStack, DataStack)
		if _, failure := l.invokeEvent(t, "put", "b.txt", "x"); failure != "" {
			t.Errorf("permissions as before: %s", failure)
		}
	})

	t.Run("drift", func(t *testing.T) {
		role, err := l.World().Role(l.RoleARN())
		if err != nil {
			t.Fatal(err)
		}
		if err := l.World().PutRolePolicy(role.ARN, "bucket-access", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Pulumi(t.Context(), "refresh", "--stack", ComputeStack, "--preview-only", "--expect-no-changes", "--non-interactive"); err == nil {
			t.Error("the refresh found no change")
		}
		l.mustPulumi(t, "refresh", "--stack", ComputeStack, "--yes", "--skip-preview", "--non-interactive")
		l.mustUp(t, ComputeStack)
		restored, err := l.World().Role(l.RoleARN())
		if err != nil || restored.Policies["bucket-access"] != role.Policies["bucket-access"] {
			t.Errorf("after the up: %v %v", restored.Policies, err)
		}
		l.mustPulumi(t, "refresh", "--stack", DataStack, "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive")
	})

	t.Run("a role made again is another role", func(t *testing.T) {
		role := l.remakeRole(t)
		l.expectFailure(t, "the bucket policy means the old role", "get", "a.txt", "AccessDenied")
		if document, err := l.World().BucketPolicy(l.Settings.BucketName); err != nil || !strings.Contains(document, role.UniqueID) {
			t.Errorf("the bucket policy shows %s %v", document, err)
		}
		l.mustUp(t, DataStack)
		l.expectGet(t, "the bucket policy was replaced", "a.txt", "text")
		l.noChanges(t, "after the replacement", ComputeStack, DataStack)
	})

	t.Run("destroy", func(t *testing.T) {
		for _, stack := range []string{DataStack, ComputeStack} {
			if err := l.Destroy(t.Context(), stack); err != nil {
				t.Fatal(err)
			}
		}
		if left := l.World().Inventory(); !slices.Equal(left, l.principals) {
			t.Errorf("left: %v, there were %v", left, l.principals)
		}
	})

	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(l.home); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lab's directory: %v", err)
	}
	address := strings.TrimPrefix(l.Endpoint().URL(), "https://")
	if connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", address); err == nil {
		t.Errorf("%s still answers: %v", address, connection.Close())
	}
	if after := snapshot(t); after != before {
		t.Errorf("the project's directory was\n%s\nand is\n%s", before, after)
	}
}

// remakeRole deletes the role besides Pulumi, has Pulumi make it again, and returns it as it was.
func (l *Lab) remakeRole(t *testing.T) account.Role {
	t.Helper()
	role, err := l.World().Role(l.RoleARN())
	if err != nil {
		t.Fatal(err)
	}
	for name := range role.Policies {
		err = errors.Join(err, l.World().DeleteRolePolicy(role.ARN, name))
	}
	if err := errors.Join(err, l.World().DeleteRole(role.ARN)); err != nil {
		t.Fatal(err)
	}
	l.mustPulumi(t, "up", "--stack", ComputeStack, "--refresh", "--yes", "--skip-preview", "--non-interactive")
	again, err := l.World().Role(l.RoleARN())
	if err != nil || again.UniqueID == role.UniqueID {
		t.Fatalf("%+v %v", again, err)
	}
	return role
}

// snapshot is what stands in the project's directory, with the contents of the stacks' files.
func snapshot(t *testing.T) string {
	t.Helper()
	entries, err := os.ReadDir(project)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, entry := range entries {
		line := entry.Name()
		if strings.HasPrefix(line, "Pulumi") {
			text, err := os.ReadFile(filepath.Join(project, line))
			if err != nil {
				t.Fatal(err)
			}
			line += "\n" + string(text)
		}
		all = append(all, line)
	}
	return strings.Join(all, "\n")
}

// policies are the policy documents of a preview's JSON, none of them unknown.
func policies(t *testing.T, preview string) string {
	t.Helper()
	var read struct {
		Steps []struct {
			NewState struct {
				Inputs map[string]any `json:"inputs"`
			} `json:"newState"`
		} `json:"steps"`
	}
	if err := json.Unmarshal([]byte(preview), &read); err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, step := range read.Steps {
		if document, has := step.NewState.Inputs["policy"].(string); has {
			if !json.Valid([]byte(document)) {
				t.Errorf("a policy in the preview is %q", document)
			}
			all = append(all, document)
		}
	}
	return strings.Join(all, "\n")
}

// An update that dies in the middle can be taken up again, once its lock is gone.
func TestKilledUp(t *testing.T) {
	reached := make(chan provider.Operation)
	l := startLab(t, Options{Observe: func(operation provider.Operation) {
		if operation.Kind == "create" && operation.URN.Type() == "aws:lambda/function:Function" && operation.Context.Err() == nil {
			select {
			case reached <- operation:
				<-operation.Context.Done() // Until the engine is gone.
			default: // The second time nobody listens.
			}
		}
	}})
	session, err := l.Attach(t.Context(), os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	command := session.Pulumi(t.Context(), "up", "--stack", ComputeStack, "--yes", "--skip-preview", "--non-interactive")
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	select {
	case <-reached:
	case err := <-ended:
		t.Fatalf("the update ended before the function: %v\n%s", err, output.String())
	}
	if err := command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	session.Close()
	if _, err := l.World().Role(l.RoleARN()); err != nil {
		t.Errorf("before the kill: %v", err)
	}
	if _, err := l.World().Function(l.FunctionARN()); err == nil {
		t.Error("the function was made by an engine that is dead")
	}

	l.mustPulumi(t, "cancel", "--stack", ComputeStack, "--yes", "--non-interactive")
	l.mustUp(t, ComputeStack, DataStack)
	if _, failure := l.invokeEvent(t, "put", "a.txt", "text"); failure != "" {
		t.Errorf("after the recovery: %s", failure)
	}
	l.expectGet(t, "after the recovery", "a.txt", "text")
	l.noChanges(t, "after the recovery", ComputeStack, DataStack)
}

// Credentials of one account do not deploy the stack of another.
func TestWrongAccount(t *testing.T) {
	l := startLab(t, Options{})
	session, err := l.Attach(t.Context(), append(os.Environ(), "AWS_PROFILE="+DataProfile))
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	output, err := session.Pulumi(t.Context(), "up", "--stack", ComputeStack, "--yes", "--skip-preview", "--non-interactive").CombinedOutput()
	if err == nil || !strings.Contains(string(output), "AWS account ID not allowed: "+l.Settings.DataAccount) {
		t.Errorf("%v\n%s", err, output)
	}
	if left := l.World().Inventory(); !slices.Equal(left, l.principals) {
		t.Errorf("made: %v", left)
	}
	if _, err := l.Attach(t.Context(), []string{"AWS_PROFILE=nobody"}); err == nil || !strings.Contains(err.Error(), ComputeProfile) {
		t.Errorf("a profile that the lab does not have: %v", err)
	}
}

// A context that ends while pulumi works ends pulumi.
func TestInterruptedUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	l := startLab(t, Options{Observe: func(operation provider.Operation) {
		if operation.Kind == "create" {
			cancel()
		}
	}})
	if err := l.Up(ctx, ComputeStack); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	// An engine that was interrupted, not killed, gives its lock back.
	l.mustUp(t, ComputeStack)
}

// What S3 and the bucket policy say to those who come by themselves.
func TestPrefix(t *testing.T) {
	settings := map[string]string{"prefix": "team/"}
	l := startLab(t, Options{Settings: map[string]map[string]string{ComputeStack: settings, DataStack: settings}})
	l.mustUp(t, ComputeStack, DataStack)
	l.expectFailure(t, "by the function's own rule", "get", "other/a.txt", "KeyNotAllowed")
	profile, err := l.Profile(FunctionProfile)
	if err != nil {
		t.Fatal(err)
	}
	client := l.S3(&profile.Key)
	for key, want := range map[string]bool{"team/a.txt": true, "other/a.txt": false, "team": false} {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(l.Settings.BucketName), Key: aws.String(key), Body: strings.NewReader("x")})
		if got := err == nil; got != want {
			t.Errorf("put of %s with the role's credentials: %v", key, err)
		}
	}
}

func TestStart(t *testing.T) {
	if _, err := Start(t.Context(), Options{Project: t.TempDir(), Progress: t.Output()}); err == nil || !strings.Contains(err.Error(), "not the directory of a Pulumi project") {
		t.Errorf("a directory without a project: %v", err)
	}
	settings := map[string]map[string]string{ComputeStack: {"architecture": "mips"}}
	l := startLab(t, Options{Settings: settings})
	var failed *PulumiError
	if err := l.Up(t.Context(), ComputeStack); !errors.As(err, &failed) || !strings.Contains(failed.Output, "mips") {
		t.Errorf("a setting that is wrong: %v", err)
	}
}

func TestDemo(t *testing.T) {
	var out bytes.Buffer
	if err := Demo(t.Context(), project, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	text := out.String()
	for _, want := range []string{
		"function, without the bucket policy", "bucket: Deny DenyPlainHTTP", "anonymous", "outside the prefix", "the function itself",
		"26 of 26 as expected.", "Simulated:",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the demo does not show %q:\n%s", want, text)
		}
	}
}
