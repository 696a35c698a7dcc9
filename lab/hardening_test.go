package lab

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// What protects the bucket: versions that are locked, logs that only the owner reads, and a bucket that is not deleted by mistake.
func TestHardening(t *testing.T) {
	l := startLab(t, Options{Settings: map[string]map[string]string{DataStack: {
		"accessLogging": "true", "abortUploadsAfterDays": "7", "expireVersionsAfterDays": "90", "objectLock": "governance", "objectLockDays": "1",
		"protect": "true",
	}}})
	l.mustUp(t, ComputeStack, DataStack)
	l.noChanges(t, "hardened", DataStack)
	l.expectPass(t, "the exports", l.mustPulumi(t, "stack", "export", "--stack", ComputeStack), l.mustPulumi(t, "stack", "export", "--stack", DataStack))
	owner := l.mustProfile(t, DataProfile)
	put := func(key string) (version string) {
		t.Helper()
		answer, failure := l.invokeEvent(t, "put", key, "text")
		if failure != "" {
			t.Fatalf("put: %s", failure)
		}
		version, _ = answer["versionId"].(string)
		return version
	}
	remove := func(client *s3.Client, key, version string, bypass *bool) error {
		_, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{
			Bucket: aws.String(l.Settings.BucketName), Key: aws.String(key), VersionId: aws.String(version), BypassGovernanceRetention: bypass,
		})
		return err
	}

	t.Run("a locked version", func(t *testing.T) {
		version := put("a.txt")
		if _, failure := l.invokeEvent(t, "delete", "a.txt", ""); failure != "" {
			t.Errorf("a delete marker needs no version to go: %s", failure)
		}
		if err := remove(owner, "a.txt", version, nil); err == nil || !isRefused(err) {
			t.Errorf("the owner deletes the version: %v", err)
		}
		if err := remove(l.mustProfile(t, FunctionProfile), "a.txt", version, aws.Bool(true)); err == nil || !isRefused(err) {
			t.Errorf("the function deletes the version: %v", err)
		}
		if err := remove(owner, "a.txt", version, aws.Bool(true)); err != nil {
			t.Errorf("the owner, who may, passes the lock by: %v", err)
		}
	})

	logBucket := aws.String(l.Settings.BucketName + "-logs")
	lines := func(client *s3.Client) (string, error) {
		listed, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: logBucket})
		if err != nil {
			return "", err
		}
		var all strings.Builder
		for _, object := range listed.Contents {
			read, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: logBucket, Key: object.Key})
			if err != nil {
				return "", err
			}
			if _, err := io.Copy(&all, read.Body); err != nil {
				return "", err
			}
		}
		return all.String(), nil
	}
	t.Run("access logs", func(t *testing.T) {
		text, err := lines(owner)
		for _, want := range []string{"REST.PUT.OBJECT a.txt", "assumed-role/" + l.Settings.RoleName, " 403 AccessDenied"} {
			if err != nil || !strings.Contains(text, want) {
				t.Errorf("the logs have no %q: %v\n%s", want, err, text)
			}
		}
		for _, profile := range []string{FunctionProfile, OtherProfile, StrangerProfile} {
			if _, err := lines(l.mustProfile(t, profile)); err == nil || !isRefused(err) {
				t.Errorf("%s reads the logs: %v", profile, err)
			}
		}
		document, err := l.World().BucketPolicy(*logBucket)
		if err != nil {
			t.Fatal(err)
		}
		// The policy of another bucket's logs.
		if err := l.World().PutBucketPolicy(*logBucket, strings.Replace(document, `"arn:aws:s3:::`+l.Settings.BucketName+`"`, `"arn:aws:s3:::other"`, 1)); err != nil {
			t.Fatal(err)
		}
		put("unlogged.txt")
		if text, err := lines(owner); err != nil || strings.Contains(text, "unlogged.txt") {
			t.Errorf("S3 logs without permission: %v\n%s", err, text)
		}
		l.mustPulumi(t, "up", "--stack", DataStack, "--refresh", "--yes", "--skip-preview", "--non-interactive")
		put("logged.txt")
		if text, err := lines(owner); err != nil || !strings.Contains(text, "REST.PUT.OBJECT logged.txt") {
			t.Errorf("the next up mends it: %v\n%s", err, text)
		}
	})

	t.Run("a protected bucket", func(t *testing.T) {
		var failed *PulumiError
		if err := l.Destroy(t.Context(), DataStack); !errors.As(err, &failed) || !strings.Contains(failed.Output, "protect") {
			t.Errorf("destroy of a protected bucket: %v", err)
		}
		l.mustUp(t, DataStack)
		l.expectGet(t, "nothing was lost", "logged.txt", "text")
		l.mustPulumi(t, "config", "set", "--stack", DataStack, "protect", "false")
	})

	t.Run("compliance", func(t *testing.T) {
		l.mustPulumi(t, "config", "set", "--stack", DataStack, "objectLock", "compliance")
		l.mustUp(t, DataStack)
		if err := remove(owner, "b.txt", put("b.txt"), aws.Bool(true)); err == nil || !isRefused(err) {
			t.Errorf("the owner passes the lock by: %v", err)
		}
		var failed *PulumiError
		if err := l.Destroy(t.Context(), DataStack); !errors.As(err, &failed) || !strings.Contains(failed.Output, "object lock") {
			t.Errorf("destroy of a bucket with a locked version: %v", err)
		}
	})
}
