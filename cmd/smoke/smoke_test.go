package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	outputsA = `{"functionArn":"arn:aws:lambda:us-east-1:123456789012:function:F","permissions":["read","write","delete","list"],"prefix":"p/","oversize":"presign"}`
	outputsB = `{"bucketName":"b-b","accountId":"987654321098","region":"us-east-1","boundToNetworks":false}`
)

// run runs a command line and returns its exit code and output.
func run(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, problems bytes.Buffer
	command := Command{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &problems}
	code = command.Main(ctx, args)
	return code, out.String(), problems.String()
}

// surroundings are AWS, as far as it is asked here, credentials of an account in the environment, a profile b of account B, and a pulumi
// command that knows both stacks. Without an account, the credentials are no longer valid.
func surroundings(t *testing.T, account string) {
	t.Helper()
	directory := t.TempDir()
	aws := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		account := account
		if strings.Contains(r.Header.Get("Authorization"), "Credential=id-of-b/") {
			account = "987654321098"
		}
		switch {
		case strings.HasPrefix(r.URL.Path, "/2015-03-31/functions/"):
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			fmt.Fprint(w, `{"errorType":"AccessDenied","errorMessage":"no"}`)
		case account == "":
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<ErrorResponse><Error><Code>ExpiredToken</Code><Message>The security token is expired</Message></Error></ErrorResponse>`)
		case r.URL.Path == "/":
			fmt.Fprintf(w, `<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::%[1]s:assumed-role/R/s</Arn>`+
				`<Account>%[1]s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, account)
		default:
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<Error><Code>AccessDenied</Code><Message>no</Message></Error>`)
		}
	}))
	t.Cleanup(aws.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": aws.URL, "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": filepath.Join(directory, "config"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(directory, "credentials"),
		"AWS_EC2_METADATA_DISABLED": "true", "PATH": directory + string(os.PathListSeparator) + os.Getenv("PATH"),
	} {
		t.Setenv(name, value)
	}
	writeFile(t, filepath.Join(directory, "credentials"), "[b]\naws_access_key_id = id-of-b\naws_secret_access_key = secret\n")
	// The last argument is the stack.
	writeFile(t, filepath.Join(directory, "pulumi"), fmt.Sprintf(`#!/bin/sh
for stack; do :; done
case $stack in
account-a) echo '%s' ;;
account-b) echo '%s' ;;
empty) echo '{}' ;;
*) echo "Logging in" >&2; echo "error: no stack named '$stack' found" >&2; exit 255 ;;
esac
`, outputsA, outputsB))
}

func writeFile(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// Whatever keeps it from trying anything is told in one line with what to do, and is not taken for an outcome.
func TestNothingCanBeTried(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for name, c := range map[string]struct {
		account string // of the credentials
		env     map[string]string
		args    []string
		want    []string
	}{
		"a flag that is none":  {"123456789012", nil, []string{"--fast"}, []string{"-fast", "-help lists the flags"}},
		"an argument":          {"123456789012", nil, []string{"account-a"}, []string{`unexpected argument "account-a"`}},
		"no duration":          {"123456789012", nil, []string{"--wait", "long"}, []string{"-wait", "-help"}},
		"no such stack":        {"123456789012", nil, []string{"--stack-a", "dev"}, []string{"the outputs of stack dev cannot be read: no stack named 'dev' found"}},
		"nothing deployed":     {"123456789012", nil, []string{"--stack-b", "empty"}, []string{"pulumi up --stack empty"}},
		"no pulumi":            {"123456789012", map[string]string{"PATH": none}, nil, []string{"no pulumi command on PATH", "--outputs-a"}},
		"no file":              {"123456789012", nil, []string{"--outputs-b", none}, []string{"reading the outputs of stack account-b", none}},
		"no credentials":       {"123456789012", map[string]string{"AWS_ACCESS_KEY_ID": ""}, nil, []string{"there are no credentials", "account A, 123456789012", "--profile-a", "AWS_PROFILE"}},
		"old credentials":      {"", nil, nil, []string{"AWS does not take the credentials", "--profile-a", "ExpiredToken"}},
		"those of account B":   {"987654321098", nil, nil, []string{"the credentials are of account 987654321098 (arn:aws:sts::987654321098:assumed-role/R/s)", "account A, 123456789012"}},
		"no such profile":      {"123456789012", nil, []string{"--profile-a", "nobody"}, []string{"nobody", "--profile-a"}},
		"no such profile of B": {"123456789012", nil, []string{"--profile-b", "nobody"}, []string{"nobody", "account B, 987654321098, by --profile-b"}},
	} {
		t.Run(name, func(t *testing.T) {
			surroundings(t, c.account)
			for name, value := range c.env {
				t.Setenv(name, value)
			}
			code, stdout, stderr := run(t.Context(), c.args...)
			if code != exitFailed || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "smoke: ") {
				t.Errorf("%d\n%s\n%s", code, stdout, stderr)
			}
			for _, want := range c.want {
				if !strings.Contains(stderr, want) {
					t.Errorf("%q is not in %s", want, stderr)
				}
			}
		})
	}
}

func TestHelp(t *testing.T) {
	code, stdout, stderr := run(t.Context(), "-help")
	if code != exitOK || stderr != "" {
		t.Errorf("%d %s", code, stderr)
	}
	for _, want := range []string{"lambda:InvokeFunction", "s3:DeleteObjectVersion", "--profile-b", "Exit codes: 0"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("the help has no %s", want)
		}
	}
}

// Where everything is refused, what should work differs. Outputs from files need no pulumi command, and a profile that is named comes
// before credentials in the environment.
func TestDiffers(t *testing.T) {
	surroundings(t, "123456789012")
	directory := t.TempDir()
	t.Setenv("PATH", directory)
	code, stdout, stderr := run(t.Context(), "--wait", "0", "--profile-b", "b", "--outputs-a", writeFile(t, filepath.Join(directory, "a"), outputsA),
		"--outputs-b", writeFile(t, filepath.Join(directory, "b"), outputsB))
	if code != exitDiffers || stderr != "" || !strings.Contains(stdout, "  !!  put ") || !strings.Contains(stdout, "  ok  get over https            anonymous") ||
		!strings.Contains(stdout, "  ok  get over plain http       account B       AccessDenied      AccessDenied") {
		t.Errorf("%d\n%s\n%s", code, stdout, stderr)
	}
}

func TestInterrupted(t *testing.T) {
	surroundings(t, "123456789012")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code, stdout, stderr := run(ctx); code != exitFailed || stdout != "" || stderr != "smoke: interrupted, so that not everything was tried\n" {
		t.Errorf("%d\n%s\n%s", code, stdout, stderr)
	}
}
