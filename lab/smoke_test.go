package lab

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cross-account-s3/lab/endpoint"
	"cross-account-s3/smoke"
)

// isRefused says whether the answer is that of somebody who may not, by the function or by S3 itself.
func isRefused(err error) bool {
	got, _ := smoke.OutcomeOf(err)
	return got == smoke.AccessDenied
}

// smokeCommand builds cmd/smoke.
func smokeCommand(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "smoke")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, project+"/cmd/smoke").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	return binary
}

// smoke runs cmd/smoke as somebody does in `lab exec`, and returns its exit code, the outcome of each row by what and who, and all that
// it writes.
func (l *Lab) smoke(ctx context.Context, t *testing.T, binary string, args ...string) (code int, got map[string]string, output string) {
	t.Helper()
	session, err := l.Attach(ctx, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	command := exec.CommandContext(ctx, binary, append([]string{"--wait", "0", "--profile-a", ComputeProfile}, args...)...)
	command.Dir, command.Env = t.TempDir(), session.Environment()
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	text, err := command.CombinedOutput()
	var exited *exec.ExitError
	if errors.As(err, &exited) {
		code = exited.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	got = map[string]string{}
	for line := range strings.Lines(string(text)) {
		if cells := regexp.MustCompile(` {2,}`).Split(strings.TrimSpace(line), -1); len(cells) >= 5 && len(cells[0]) == 2 {
			got[cells[1]+" by "+cells[2]] = cells[0] + " " + cells[4]
		}
	}
	return code, got, string(text)
}

// stored are the objects of the bucket, and all versions and delete markers.
func (l *Lab) stored(t *testing.T) (objects, versions int) {
	t.Helper()
	client := l.mustProfile(t, DataProfile)
	current, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &l.Settings.BucketName})
	if err != nil {
		t.Fatal(err)
	}
	all, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &l.Settings.BucketName})
	if err != nil {
		t.Fatal(err)
	}
	return len(current.Contents), len(all.Versions) + len(all.DeleteMarkers)
}

// statements are those of a policy by their Sid.
func statements(t *testing.T, document string) map[string]map[string]any {
	t.Helper()
	var read struct{ Statement []map[string]any }
	if err := json.Unmarshal([]byte(document), &read); err != nil {
		t.Fatal(err)
	}
	bySid := map[string]map[string]any{}
	for _, statement := range read.Statement {
		bySid[statement["Sid"].(string)] = statement
	}
	return bySid
}

// document is the policy that has these statements.
func document(t *testing.T, statements map[string]map[string]any) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": slices.Collect(maps.Values(statements))})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The command that tries a deployment on AWS tries the lab's, and finds what somebody changes besides Pulumi.
func TestSmoke(t *testing.T) {
	settings := map[string]string{"prefix": "team/"}
	l := startLab(t, Options{Settings: map[string]map[string]string{ComputeStack: settings, DataStack: settings}})
	binary := smokeCommand(t)
	l.mustUp(t, ComputeStack)
	if code, got, output := l.smoke(t.Context(), t, binary); code != 2 || len(got) > 0 || !strings.Contains(output, "pulumi up --stack account-b") {
		t.Errorf("account B is not deployed: %d\n%s", code, output)
	}
	l.mustUp(t, DataStack)

	t.Run("as it should be", func(t *testing.T) {
		code, got, output := l.smoke(t.Context(), t, binary, "--profile-b", DataProfile)
		if code != 0 || !strings.Contains(output, "18 of 18 as expected.") || strings.Contains(output, "Left behind") {
			t.Errorf("%d\n%s", code, output)
		}
		for row, want := range map[string]string{
			"get by function": "ok allowed", "get, a foreign bucket by function": "ok BucketNotAllowed",
			"get, outside the prefix by function": "ok KeyNotAllowed", "delete of a version by function": "ok AccessDenied",
			"get over plain http by function's URL": "ok AccessDenied", "get over https by function's URL": "ok allowed",
			"get over https by anonymous": "ok AccessDenied", "get over plain http by account B": "ok AccessDenied",
		} {
			if got[row] != want {
				t.Errorf("%s: %q, want %q", row, got[row], want)
			}
		}
		if objects, versions := l.stored(t); objects+versions > 0 {
			t.Errorf("left %d objects, %d versions", objects, versions)
		}
		log := l.World().LogLines("arn:aws:logs:" + l.Settings.Region + ":" + l.Settings.ComputeAccount + ":log-group:/aws/lambda/" + l.Settings.FunctionName)
		for _, secret := range []string{"Signature=", "Hello from account A"} {
			if strings.Contains(output, secret) || strings.Contains(strings.Join(log, "\n"), secret) {
				t.Errorf("%q is shown or logged", secret)
			}
		}
	})

	t.Run("without account B", func(t *testing.T) {
		code, got, output := l.smoke(t.Context(), t, binary)
		if code != 0 || got["get over plain http by account B"] != "-- not tried" || !strings.Contains(output, "16 of 16 as expected, and 2 not tried.") {
			t.Errorf("%d\n%s", code, output)
		}
		if objects, versions := l.stored(t); objects > 0 || versions == 0 || !strings.Contains(output, "Left behind: versions and delete markers") {
			t.Errorf("left %d objects, %d versions:\n%s", objects, versions, output)
		}
	})

	t.Run("the wrong credentials", func(t *testing.T) {
		if code, got, output := l.smoke(t.Context(), t, binary, "--profile-a", StrangerProfile); code != 2 || len(got) > 0 ||
			!strings.Contains(output, "the credentials are of account "+strangersAccount) {
			t.Errorf("another account: %d\n%s", code, output)
		}
		if code, got, output := l.smoke(t.Context(), t, binary, "--profile-a", OtherProfile); code != 2 || len(got) > 0 ||
			!strings.Contains(output, "they need lambda:InvokeFunction on "+l.FunctionARN()) {
			t.Errorf("another role: %d\n%s", code, output)
		}
	})

	bucketPolicy, err := l.World().BucketPolicy(l.Settings.BucketName)
	if err != nil {
		t.Fatal(err)
	}
	role, err := l.World().Role(l.RoleARN())
	if err != nil {
		t.Fatal(err)
	}
	everything := []any{"arn:aws:s3:::" + l.Settings.BucketName, "arn:aws:s3:::" + l.Settings.BucketName + "/*"}
	for name, c := range map[string]struct {
		change func(bucket, identity map[string]map[string]any)
		differ map[string]string
	}{
		"plain http is let in": {
			func(bucket, _ map[string]map[string]any) { delete(bucket, "DenyPlainHTTP") },
			map[string]string{"get over plain http by function's URL": "!! allowed", "get over plain http by account B": "!! allowed"},
		},
		"everybody may read": {
			func(bucket, _ map[string]map[string]any) {
				bucket["Public"] = map[string]any{"Sid": "Public", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": everything}
			},
			map[string]string{"get over https by anonymous": "!! allowed"},
		},
		"both halves have a star": {
			func(bucket, identity map[string]map[string]any) {
				bucket["UseObjects"]["Action"], identity["UseObjects"]["Action"] = "s3:*Object*", "s3:*Object*"
			},
			map[string]string{"get of a version by function": "!! allowed", "delete of a version by function": "!! allowed"},
		},
		"nobody may write": {
			func(bucket, _ map[string]map[string]any) {
				bucket["Closed"] = map[string]any{"Sid": "Closed", "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": everything}
			},
			map[string]string{
				"put by function": "!! AccessDenied", "copy by function": "!! AccessDenied", "put of 1 MiB by function": "!! AccessDenied",
				// Without s3:ListBucket for the object's key S3 does not say that there is none.
				"get by function": "!! AccessDenied", "head by function": "!! AccessDenied", "list by function": "!! wrong answer",
				"get of 1 MiB by function": "!! AccessDenied", "get over https by account B": "!! NoSuchKey",
				"get over plain http by function's URL": "-- not tried", "get over https by function's URL": "-- not tried",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			bucket, identity := statements(t, bucketPolicy), statements(t, role.Policies["bucket-access"])
			c.change(bucket, identity)
			if err := errors.Join(l.World().PutBucketPolicy(l.Settings.BucketName, document(t, bucket)),
				l.World().PutRolePolicy(role.ARN, "bucket-access", document(t, identity))); err != nil {
				t.Fatal(err)
			}
			code, got, output := l.smoke(t.Context(), t, binary, "--profile-b", DataProfile)
			maps.DeleteFunc(got, func(_, outcome string) bool { return strings.HasPrefix(outcome, "ok") })
			if code != 1 || !maps.Equal(got, c.differ) {
				t.Errorf("%d\n%s", code, output)
			}
			if err := errors.Join(l.World().PutBucketPolicy(l.Settings.BucketName, bucketPolicy),
				l.World().PutRolePolicy(role.ARN, "bucket-access", role.Policies["bucket-access"])); err != nil {
				t.Fatal(err)
			}
		})
	}

	t.Run("interrupted", func(t *testing.T) {
		_, before := l.stored(t)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		l.Endpoint().Observe(func(access endpoint.Access) {
			if access.Action == "s3:PutObject" {
				cancel()
			}
		})
		code, _, output := l.smoke(ctx, t, binary, "--profile-b", DataProfile)
		l.Endpoint().Observe(func(endpoint.Access) {})
		if objects, versions := l.stored(t); code != 2 || !strings.Contains(output, "interrupted") || objects > 0 || versions != before {
			t.Errorf("%d, left %d objects and %d versions, %d before\n%s", code, objects, versions, before, output)
		}
	})

	t.Run("a function that only reads, and signs nothing", func(t *testing.T) {
		for _, stack := range []string{ComputeStack, DataStack} {
			l.mustPulumi(t, "config", "set", "--stack", stack, "--path", "permissions[0]", "read")
		}
		l.mustPulumi(t, "config", "set", "--stack", ComputeStack, "oversize", "refuse")
		l.mustUp(t, ComputeStack, DataStack)
		code, got, output := l.smoke(t.Context(), t, binary, "--profile-b", DataProfile)
		if code != 0 || got["put by function"] != "ok AccessDenied" || got["put by account B"] != "ok allowed" || got["get by function"] != "ok allowed" ||
			got["get of 1 MiB by function"] != "ok PayloadTooLarge" || got["get over plain http by function's URL"] != "-- not tried" ||
			got["get over plain http by account B"] != "ok AccessDenied" {
			t.Errorf("with account B: %d\n%s", code, output)
		}
		if code, got, output := l.smoke(t.Context(), t, binary); code != 0 || got["put by function"] != "ok AccessDenied" || got["get by function"] != "-- not tried" ||
			strings.Contains(output, "Left behind") {
			t.Errorf("without it: %d\n%s", code, output)
		}
	})
}
