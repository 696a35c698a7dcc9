package lab

import (
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"cross-account-s3/policy"
)

// A bucket that goes over to a key of its account: who reads and writes needs the key too.
func TestEncryptionWithAKey(t *testing.T) {
	l := startLab(t, Options{})
	l.mustUp(t, ComputeStack, DataStack)
	if _, failure := l.invokeEvent(t, "put", "before.txt", "old"); failure != "" {
		t.Fatalf("put before: %s", failure)
	}
	for _, stack := range []string{ComputeStack, DataStack} {
		l.mustPulumi(t, "config", "set", "--stack", stack, "encryption", "sse-kms")
	}

	preview := map[string]string{}
	for _, stack := range []string{ComputeStack, DataStack} {
		preview[stack] = l.mustPulumi(t, "preview", "--stack", stack, "--json", "--show-sames")
	}
	l.expectPass(t, "the previews", preview[ComputeStack], preview[DataStack])
	// The role's half comes first, as it does at the beginning: without it, the function could not read what is written meanwhile.
	l.mustUp(t, ComputeStack, DataStack)
	l.expectPass(t, "the exports", l.mustPulumi(t, "stack", "export", "--stack", ComputeStack), l.mustPulumi(t, "stack", "export", "--stack", DataStack))
	l.noChanges(t, "with a key", ComputeStack, DataStack)
	l.mustPulumi(t, "refresh", "--stack", DataStack, "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive")

	if _, failure := l.invokeEvent(t, "put", "after.txt", "new"); failure != "" {
		t.Fatalf("put with a key: %s", failure)
	}
	l.expectGet(t, "from before", "before.txt", "old")
	l.expectGet(t, "with a key", "after.txt", "new")

	owner := l.mustProfile(t, DataProfile)
	head, err := owner.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(l.Settings.BucketName), Key: aws.String("after.txt")})
	if err != nil || head.ServerSideEncryption != types.ServerSideEncryptionAwsKms || !strings.Contains(aws.ToString(head.SSEKMSKeyId), ":"+l.Settings.DataAccount+":key/") {
		t.Errorf("after.txt is encrypted with %v %v, %v", head.ServerSideEncryption, aws.ToString(head.SSEKMSKeyId), err)
	}
	for name, c := range map[string]struct {
		algorithm types.ServerSideEncryption
		want      bool
	}{
		"as the bucket does":    {"", true},
		"with S3's keys":        {types.ServerSideEncryptionAes256, false},
		"with AWS's key for S3": {types.ServerSideEncryptionAwsKms, false},
	} {
		_, err := owner.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(l.Settings.BucketName), Key: aws.String("own.txt"), Body: strings.NewReader("x"), ServerSideEncryption: c.algorithm,
		})
		if got := err == nil; got != c.want || err != nil && !isRefused(err) {
			t.Errorf("an upload encrypted %s: %v", name, err)
		}
	}

	t.Run("the role without the key", func(t *testing.T) {
		role, err := l.World().Role(l.RoleARN())
		if err != nil {
			t.Fatal(err)
		}
		if err := l.World().PutRolePolicy(role.ARN, "bucket-access", withoutKey(t, role.Policies["bucket-access"])); err != nil {
			t.Fatal(err)
		}
		l.expectGet(t, "S3's keys need nothing", "before.txt", "old")
		l.expectFailure(t, "no kms:Decrypt", "get", "after.txt", "AccessDenied")
		l.expectFailure(t, "no kms:GenerateDataKey", "put", "after.txt", "AccessDenied")
		function := l.mustProfile(t, FunctionProfile)
		_, err = function.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(l.Settings.BucketName), Key: aws.String("after.txt")})
		if err == nil || !strings.Contains(err.Error(), "kms:Decrypt") {
			t.Errorf("the refusal does not name what is missing: %v", err)
		}
		if judged := l.judge(t, l.mustPulumi(t, "stack", "export", "--stack", ComputeStack), l.mustPulumi(t, "stack", "export", "--stack", DataStack)); len(judged) > 0 {
			t.Errorf("the state does not know of it, and is found %v", judged)
		}
		l.mustPulumi(t, "refresh", "--stack", ComputeStack, "--yes", "--skip-preview", "--non-interactive")
		if judged := l.judge(t, l.mustPulumi(t, "stack", "export", "--stack", ComputeStack), l.mustPulumi(t, "stack", "export", "--stack", DataStack)); !slices.Contains(judged, "key-agreement") {
			t.Errorf("after a refresh it is found %v, want key-agreement", judged)
		}
		l.mustUp(t, ComputeStack)
		l.expectGet(t, "the next up mends it", "after.txt", "new")
	})

	t.Run("the key without the role", func(t *testing.T) {
		profile, err := l.Profile(DataProfile)
		if err != nil {
			t.Fatal(err)
		}
		key, err := l.World().FindKMSKey(l.Settings.DataAccount, l.Settings.Region, "alias/"+l.Settings.BucketName)
		if err != nil {
			t.Fatal(err)
		}
		closed := key
		closed.Policy = "" // KMS's own, which leaves the key to its account.
		if err := l.World().UpdateKMSKey(t.Context(), &profile.Key, closed); err != nil {
			t.Fatal(err)
		}
		l.expectGet(t, "S3's keys need nothing", "before.txt", "old")
		l.expectFailure(t, "no kms:Decrypt", "get", "after.txt", "AccessDenied")
		l.expectFailure(t, "no kms:GenerateDataKey", "put", "after.txt", "AccessDenied")
		if err := l.World().UpdateKMSKey(t.Context(), &profile.Key, key); err != nil {
			t.Fatal(err)
		}
		l.expectGet(t, "the key lets the role in again", "after.txt", "new")
	})

	t.Run("a key without an algorithm", func(t *testing.T) {
		var refused smithy.APIError
		_, err := owner.PutObject(t.Context(), &s3.PutObjectInput{
			Bucket: aws.String(l.Settings.BucketName), Key: aws.String("own.txt"), Body: strings.NewReader("x"), SSEKMSKeyId: head.SSEKMSKeyId,
		})
		if !errors.As(err, &refused) || refused.ErrorCode() != "InvalidArgument" {
			t.Errorf("the upload: %v, want InvalidArgument", err)
		}
	})

	object, err := owner.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(l.Settings.BucketName), Key: aws.String("after.txt")})
	if err != nil {
		t.Fatalf("the account of the key reads: %v", err)
	}
	if text, err := io.ReadAll(object.Body); err != nil || string(text) != "new" {
		t.Errorf("the account of the key reads %q %v", text, err)
	}
	for _, stack := range []string{DataStack, ComputeStack} {
		if err := l.Destroy(t.Context(), stack); err != nil {
			t.Fatal(err)
		}
	}
	if left := l.World().Inventory(); !slices.Equal(left, l.principals) {
		t.Errorf("left: %v, there were %v", left, l.principals)
	}
}

// mustProfile is a client of S3 with the credentials of a profile.
func (l *Lab) mustProfile(t *testing.T, name string) *s3.Client {
	t.Helper()
	profile, err := l.Profile(name)
	if err != nil {
		t.Fatal(err)
	}
	return l.S3(&profile.Key)
}

// judge is which rules find fault with previews or exports together.
func (l *Lab) judge(t *testing.T, contents ...string) []string {
	t.Helper()
	rules, err := policy.NewRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files := make([]policy.File, len(contents))
	for i, text := range contents {
		files[i] = readStack(t, text)
	}
	judged, err := rules.Check(t.Context(), files...)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, finding := range judged.Findings {
		found = append(found, finding.Rule)
	}
	return found
}

func (l *Lab) expectPass(t *testing.T, what string, contents ...string) {
	t.Helper()
	if found := l.judge(t, contents...); len(found) > 0 {
		t.Errorf("%s are found %v", what, found)
	}
}

// withoutKey is a policy without its statement about the key.
func withoutKey(t *testing.T, document string) string {
	t.Helper()
	var read struct {
		Version   string
		Statement []map[string]any
	}
	if err := json.Unmarshal([]byte(document), &read); err != nil {
		t.Fatal(err)
	}
	before := len(read.Statement)
	read.Statement = slices.DeleteFunc(read.Statement, func(statement map[string]any) bool { return statement["Sid"] == "UseKey" })
	if len(read.Statement) == before {
		t.Fatalf("%s has no statement UseKey", document)
	}
	text, err := json.Marshal(read)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
