package endpoint

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/rclone/gofakes3"

	"cross-account-s3/lab/account"
	"cross-account-s3/trail"
)

// recorded is a fixture with a trail of the bucket in its account, and one of the caller's that selects something else.
func recorded(t *testing.T) *fixture {
	t.Helper()
	f := newFixture(t)
	for _, c := range []struct{ account, bucket, objects string }{
		{data, "private", "arn:aws:s3:::shared/"}, {compute, "mine", "arn:aws:s3:::shared/in/copied"},
	} {
		err := f.world.PutBucketPolicy(c.bucket, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"cloudtrail.amazonaws.com"},
			"Action":["s3:GetBucketAcl","s3:PutObject"],"Resource":["arn:aws:s3:::`+c.bucket+`","arn:aws:s3:::`+c.bucket+`/*"]}}`)
		if err == nil {
			err = f.world.PutTrail(t.Context(), account.Trail{
				Account: c.account, Region: region, Name: "t", Bucket: c.bucket, Objects: []string{c.objects},
			}, true)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// records are what a trail has written to its bucket, as "call on resource by principal: error", sorted.
func (f *fixture) records(bucket string) []string {
	f.t.Helper()
	listed, err := f.world.Objects().ListBucket(f.t.Context(), bucket, &gofakes3.Prefix{}, gofakes3.ListBucketPage{})
	if err != nil {
		f.t.Fatal(err)
	}
	var all []string
	for _, content := range listed.Contents {
		object, err := f.world.Objects().GetObject(f.t.Context(), bucket, content.Key, nil)
		if err != nil {
			f.t.Fatal(err)
		}
		unpacked, err := gzip.NewReader(object.Contents)
		if err != nil {
			f.t.Fatal(err)
		}
		var log struct{ Records []trail.Record }
		if err := json.NewDecoder(unpacked).Decode(&log); err != nil {
			f.t.Fatal(err)
		}
		for _, record := range log.Records {
			who := record.Identity.Principal()
			if who == "" {
				who = record.Identity.Type + " of " + record.Identity.Account
			}
			plain := ""
			if record.Plain() {
				plain = " in plain text"
			}
			all = append(all, strings.TrimSpace(fmt.Sprintf("%s by %s%s %s", record.Name, who, plain, record.ErrorCode)))
		}
	}
	return slices.Sorted(slices.Values(all))
}

// Each call on the bucket becomes one record of what it was, by whom, and how it ended.
func TestRecords(t *testing.T) {
	f := recorded(t)
	ctx, shared, key := t.Context(), aws.String("shared"), aws.String("in/a")
	caller, owner := f.s3(&f.key), f.s3(&f.owner)
	plain := f.s3(&f.key, func(options *s3.Options) { options.BaseEndpoint = aws.String(f.PlainURL()) })
	for _, request := range []func() error{
		func() error {
			_, err := caller.PutObject(ctx, &s3.PutObjectInput{Bucket: shared, Key: key, Body: bytes.NewReader([]byte("x"))})
			return err
		},
		func() error {
			_, err := caller.CopyObject(ctx, &s3.CopyObjectInput{Bucket: shared, Key: aws.String("in/copied"), CopySource: aws.String("shared/in/a")})
			return err
		},
		func() error {
			_, err := caller.GetObject(ctx, &s3.GetObjectInput{Bucket: shared, Key: key})
			return err
		},
		func() error {
			_, err := owner.HeadObject(ctx, &s3.HeadObjectInput{Bucket: shared, Key: key})
			return err
		},
		func() error {
			_, err := caller.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: shared, Prefix: aws.String("in/")})
			return err
		},
		func() error {
			_, err := owner.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: shared})
			return err
		},
		func() error {
			_, err := owner.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: shared, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: aws.String("in/copied")}}}})
			return err
		},
	} {
		if err := request(); err != nil {
			t.Fatal(err)
		}
	}
	for name, client := range map[string]*s3.Client{"plain http": plain, "another role": f.s3(&f.other), "anonymous": f.s3(nil)} {
		if _, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: shared, Key: key}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := owner.GetObject(ctx, &s3.GetObjectInput{Bucket: shared, Key: aws.String("none")}); err == nil {
		t.Error("an object that is not there was read")
	}
	const them, us = "AWSAccount of 123456789012", "arn:aws:iam::987654321098:role/Owner"
	want := []string{
		"CopyObject by " + them, "DeleteObjects by " + us, "GetObject by " + them, "GetObject by " + them + " AccessDenied",
		"GetObject by " + them + " in plain text AccessDenied", "GetObject by AWSAccount of anonymous AccessDenied", "GetObject by " + us + " NoSuchKey",
		"HeadObject by " + us, "ListObjects by " + them, "PutObject by " + them,
	}
	if got := f.records("private"); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		t.Errorf("the owner's trail has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// Its own account is told the caller's name.
	if got := f.records("mine"); !slices.Equal(got, []string{"CopyObject by arn:aws:iam::123456789012:role/R"}) {
		t.Errorf("the caller's trail has %q", got)
	}
}

// Requests are counted for each filter that there is, and invocations for their function.
func TestCounts(t *testing.T) {
	f := newFixture(t)
	alarm := func(accountID, namespace, name string, dimensions map[string]string) string {
		t.Helper()
		made := account.Alarm{
			Metric: account.Metric{Account: accountID, Region: region, Namespace: namespace, Name: name, Dimensions: dimensions},
			Name:   name, Statistic: "Sum", Threshold: 1, Period: 1 << 62,
		}
		if err := f.world.PutAlarm(made, true); err != nil {
			t.Fatal(err)
		}
		return made.ARN()
	}
	refused := alarm(data, "AWS/S3", "4xxErrors", map[string]string{"BucketName": "shared", "FilterId": "all"})
	failed := alarm(data, "AWS/S3", "5xxErrors", map[string]string{"BucketName": "shared", "FilterId": "all"})
	invoked := alarm(compute, "AWS/Lambda", "Invocations", map[string]string{"FunctionName": "f"})
	expect := func(when string, want map[string]string) {
		t.Helper()
		for arn, state := range want {
			if got, err := f.world.Alarm(arn); err != nil || got.State != state {
				t.Errorf("%s: %s is %s %v, want %s", when, arn, got.State, err, state)
			}
		}
	}
	get := func() {
		_, _ = f.s3(&f.other).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("shared"), Key: aws.String("in/a")})
	}
	get()
	expect("without request metrics", map[string]string{refused: "OK"})
	if err := f.world.Configure("shared", account.RequestMetrics+"all", map[string]any{}); err != nil {
		t.Fatal(err)
	}
	get()
	expect("with them", map[string]string{refused: "ALARM", failed: "OK", invoked: "OK"})
	client := lambda.New(lambda.Options{
		Region: region, BaseEndpoint: aws.String(f.URL()), HTTPClient: f.client(tls.VersionTLS13), Credentials: provider(&f.key), RetryMaxAttempts: 1,
	})
	if _, err := client.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte("{}")}); err != nil {
		t.Fatal(err)
	}
	expect("invoked", map[string]string{invoked: "ALARM"})
}
