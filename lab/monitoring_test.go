package lab

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"cross-account-s3/audit"
	"cross-account-s3/policy"
	"cross-account-s3/trail"
)

// With monitoring on, each access to the bucket is recorded where gate audit reads it, denied ones set an alarm off that tells its topic,
// and the rules have nothing to say against any of it.
func TestMonitoring(t *testing.T) {
	settings := map[string]string{
		"monitoring": "true", "accessAnalyzer": "true", "alarmClientErrors": "2",
		"alarmSubscriptions": `["oncall@example.com","https://example.com/alarms"]`,
	}
	l := startLab(t, Options{Settings: map[string]map[string]string{ComputeStack: settings, DataStack: settings}})
	var previews []policy.File
	for _, stack := range []string{ComputeStack, DataStack} {
		previews = append(previews, readStack(t, l.mustPulumi(t, "preview", "--stack", stack, "--json", "--show-sames")))
		l.mustUp(t, stack)
	}
	l.noChanges(t, "with monitoring", ComputeStack, DataStack)
	for _, stack := range []string{ComputeStack, DataStack} {
		l.mustPulumi(t, "refresh", "--stack", stack, "--yes", "--skip-preview", "--expect-no-changes", "--non-interactive")
	}

	const (
		ofA = ":us-east-1:123456789012:"
		ofB = ":us-east-1:987654321098:"
	)
	logBucket, trailARN := l.Settings.BucketName+"-trail", "arn:aws:cloudtrail"+ofB+"trail/my-cross-account-bucket-access"
	refusals, topic := "arn:aws:cloudwatch"+ofB+"alarm:my-cross-account-bucket-4xx-errors", "arn:aws:sns"+ofB+"my-cross-account-bucket-alarms"
	failures := "arn:aws:cloudwatch" + ofA + "alarm:CrossAccountS3Access-errors"

	if _, failure := l.invokeEvent(t, "put", "a.txt", "text"); failure != "" {
		t.Fatal(failure)
	}
	l.expectGet(t, "recorded", "a.txt", "text")
	other := l.client(t, OtherProfile)
	get := func() {
		t.Helper()
		if _, err := other.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &l.Settings.BucketName, Key: aws.String("a.txt")}); !isRefused(err) {
			t.Fatalf("another role: %v", err)
		}
	}
	get()
	l.expectState(t, refusals, "OK")

	t.Run("denied accesses set the alarm off, which tells its topic", func(t *testing.T) {
		get()
		l.expectState(t, refusals, "ALARM")
		told, err := l.World().Topic(topic)
		if err != nil || !slices.Equal(told.Messages, []string{"ALARM: my-cross-account-bucket-4xx-errors"}) {
			t.Errorf("%q %v", told.Messages, err)
		}
		l.expectState(t, failures, "OK")
		l.expectFailure(t, "monitored", "get", "missing.txt", "NoSuchKey")
		l.expectState(t, failures, "ALARM")
	})

	t.Run("gate audit reads the records", func(t *testing.T) {
		report := l.audit(t, logBucket)
		// Of another account's role the trail knows the unique id alone, and which of the roles of the stacks have which.
		reporting, err := l.World().Role("arn:aws:iam::123456789012:role/Reporting")
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"NOT ALL USED since", "used          s3:GetObject, ", "used          s3:PutObject, once", "unused        s3:DeleteObject",
			reporting.UniqueID + " of account 123456789012\n  denied        s3:GetObject, 2 times",
		} {
			if !strings.Contains(report, want) {
				t.Errorf("the report has no %q:\n%s", want, report)
			}
		}
	})

	t.Run("CloudTrail writes only as long as the log bucket's policy lets it", func(t *testing.T) {
		document, err := l.World().BucketPolicy(logBucket)
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct{ old, new string }{
			"the policy as it is":         {"", ""},
			"a policy for another trail":  {trailARN, trailARN + "2"},
			"a policy for another folder": {"AWSLogs/987654321098/", "AWSLogs/123456789012/"},
		} {
			if err := l.World().PutBucketPolicy(logBucket, strings.ReplaceAll(document, c.old, c.new)); err != nil {
				t.Fatal(err)
			}
			before := len(l.records(t, logBucket))
			l.expectGet(t, name, "a.txt", "text")
			written, want := len(l.records(t, logBucket))-before, 1
			if c.old != "" {
				want = 0
			}
			status, err := l.World().Trail(trailARN)
			if err != nil || written != want || (status.DeliveryError == "") != (want == 1) {
				t.Errorf("%s: %d records, %q %v", name, written, status.DeliveryError, err)
			}
		}
		if err := l.World().PutBucketPolicy(logBucket, document); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("nobody but CloudTrail writes records", func(t *testing.T) {
		for _, profile := range []string{FunctionProfile, OtherProfile, StrangerProfile} {
			_, err := l.client(t, profile).PutObject(t.Context(), &s3.PutObjectInput{
				Bucket: &logBucket, Key: aws.String("AWSLogs/987654321098/forged.json.gz"), Body: strings.NewReader("{}"),
			})
			if !isRefused(err) {
				t.Errorf("%s: %v", profile, err)
			}
		}
	})

	t.Run("the rules", func(t *testing.T) {
		rules, err := policy.NewRules(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name, files := range map[string][]policy.File{"previews": previews, "states": l.states(t)} {
			judged, err := rules.Check(t.Context(), files...)
			if err != nil || len(judged.Findings) > 0 || judged.Policies[ComputeStack] != 4 || judged.Policies[DataStack] != 3 {
				t.Errorf("%s: %+v %v", name, judged, err)
			}
		}
	})

	for _, stack := range []string{DataStack, ComputeStack} {
		if err := l.Destroy(t.Context(), stack); err != nil {
			t.Fatal(err)
		}
	}
	if left := l.World().Inventory(); !slices.Equal(left, l.principals) {
		t.Errorf("left: %v", left)
	}
}

func (l *Lab) client(t *testing.T, profile string) *s3.Client {
	t.Helper()
	found, err := l.Profile(profile)
	if err != nil {
		t.Fatal(err)
	}
	return l.S3(&found.Key)
}

func (l *Lab) expectState(t *testing.T, alarm, want string) {
	t.Helper()
	got, err := l.World().Alarm(alarm)
	if err != nil || got.State != want || got.ActionError != "" {
		t.Errorf("%s is %s %s %v, want %s", alarm, got.State, got.ActionError, err, want)
	}
}

// records are the log files in a bucket, unpacked.
func (l *Lab) records(t *testing.T, bucket string) map[string][]byte {
	t.Helper()
	client := l.client(t, DataProfile)
	listed, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: &bucket})
	if err != nil {
		t.Fatal(err)
	}
	records := map[string][]byte{}
	for _, object := range listed.Contents {
		answer, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: object.Key})
		if err != nil {
			t.Fatal(err)
		}
		unpacked, err := gzip.NewReader(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if records[*object.Key], err = io.ReadAll(unpacked); err != nil {
			t.Fatal(err)
		}
	}
	return records
}

// states are those of both stacks.
func (l *Lab) states(t *testing.T) []policy.File {
	t.Helper()
	var files []policy.File
	for _, stack := range []string{ComputeStack, DataStack} {
		files = append(files, readStack(t, l.mustPulumi(t, "stack", "export", "--stack", stack)))
	}
	return files
}

// audit is what gate audit says of the records in a bucket and of both stacks, asked as .github/workflows/audit.yml does.
func (l *Lab) audit(t *testing.T, bucket string) string {
	t.Helper()
	directory := t.TempDir()
	for key, text := range l.records(t, bucket) {
		if err := os.WriteFile(filepath.Join(directory, strings.TrimSuffix(filepath.Base(key), ".gz")), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rules, err := policy.NewRules(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	engine, err := policy.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	auditing, err := audit.New(t.Context(), rules, engine, audit.Options{Keep: []string{
		"logs:*", "kms:*", "lambda.amazonaws.com", "cloudtrail.amazonaws.com", "cloudwatch.amazonaws.com",
	}}, l.states(t)...)
	if err != nil {
		t.Fatal(err)
	}
	counter := auditing.Counter()
	if err := new(trail.Reader).Read(t.Context(), []string{directory}, counter.Take); err != nil {
		t.Fatal(err)
	}
	report, err := auditing.Report(t.Context(), counter)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := report.Text(&text); err != nil {
		t.Fatal(err)
	}
	return text.String()
}
