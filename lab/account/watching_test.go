package account

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const publishes = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"},
	"Action": "sns:Publish", "Resource": "arn:aws:sns:us-east-1:987654321098:t", "Condition": {
		"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:us-east-1:987654321098:alarm:a*"}, "StringEquals": {"aws:SourceAccount": "987654321098"}}}}`

func errorsOf(dimensions map[string]string) Metric {
	return Metric{Account: data, Region: "us-east-1", Namespace: "AWS/S3", Name: "4xxErrors", Dimensions: dimensions}
}

func makeAlarm(t *testing.T, w *World, alarm Alarm) string {
	t.Helper()
	alarm.Period, alarm.Topics = time.Minute, []string{"arn:aws:sns:us-east-1:987654321098:t"}
	if err := w.PutAlarm(alarm, true); err != nil {
		t.Fatal(err)
	}
	return alarm.ARN()
}

func (w *World) mustMeasure(t *testing.T, metric Metric, values ...float64) {
	t.Helper()
	for _, value := range values {
		if err := w.Measure(t.Context(), metric, value); err != nil {
			t.Fatal(err)
		}
	}
}

// An alarm goes off at its threshold within its period, once, and is over when the period is.
func TestAlarm(t *testing.T) {
	w := newWorld(t)
	now := time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)
	w.now = func() time.Time { return now }
	topic := Topic{Account: data, Region: "us-east-1", Name: "t"}
	if err := w.PutTopic(topic, true); err != nil {
		t.Fatal(err)
	}
	if err := w.PutTopicPolicy(topic.ARN(), publishes); err != nil {
		t.Fatal(err)
	}
	both := errorsOf(map[string]string{"BucketName": "b", "FilterId": "EntireBucket"})
	arn := makeAlarm(t, w, Alarm{Metric: both, Name: "a", Statistic: "Sum", Threshold: 2})
	// Without the filter's id it watches another metric.
	byName := makeAlarm(t, w, Alarm{Metric: errorsOf(map[string]string{"BucketName": "b"}), Name: "a2", Statistic: "Sum", Threshold: 1})
	slowest := makeAlarm(t, w, Alarm{Metric: both, Name: "a3", Statistic: "p99", Threshold: 3})

	expect := func(when, arn, want string) {
		t.Helper()
		if got := must(w.Alarm(arn))(t); got.State != want || got.ActionError != "" {
			t.Errorf("%s: %s is %s %s, want %s", when, arn, got.State, got.ActionError, want)
		}
	}
	w.mustMeasure(t, both, 1, 0)
	expect("below", arn, "OK")
	w.mustMeasure(t, both, 1, 1)
	expect("at the threshold", arn, "ALARM")
	expect("without the filter's id", byName, "OK")
	expect("no value is that high", slowest, "OK")
	if told := must(w.Topic(topic.ARN()))(t); !slices.Equal(told.Messages, []string{"ALARM: a"}) {
		t.Errorf("%q", told.Messages)
	}
	now = now.Add(time.Minute)
	expect("a period later", arn, "OK")
	w.mustMeasure(t, both, 3)
	expect("one is", slowest, "ALARM")
}

// Who is not let by the topic's policy tells nobody.
func TestAlarmThatMayNotPublish(t *testing.T) {
	metric := errorsOf(nil)
	for name, c := range map[string]struct{ alarm, policy string }{
		"another alarm":           {"b", publishes},
		"another account's alarm": {"a", strings.ReplaceAll(publishes, `"aws:SourceAccount": "987654321098"`, `"aws:SourceAccount": "123456789012"`)},
		"no policy":               {"a", ""},
	} {
		w := newWorld(t)
		topic := Topic{Account: data, Region: "us-east-1", Name: "t"}
		if err := w.PutTopic(topic, true); err != nil {
			t.Fatal(err)
		}
		if err := w.PutTopicPolicy(topic.ARN(), c.policy); err != nil {
			t.Fatal(err)
		}
		arn := makeAlarm(t, w, Alarm{Metric: metric, Name: c.alarm, Statistic: "Sum", Threshold: 1})
		w.mustMeasure(t, metric, 1)
		got, told := must(w.Alarm(arn))(t), must(w.Topic(topic.ARN()))(t)
		if got.State != "ALARM" || !strings.Contains(got.ActionError, "is not authorized to perform: SNS:Publish") || len(told.Messages) > 0 {
			t.Errorf("%s: %s %q, %q", name, got.State, got.ActionError, told.Messages)
		}
	}
}

// What is not there, or is there already, is an error with AWS's code.
func TestWatchingErrors(t *testing.T) {
	w := newWorld(t)
	makeBucket(t, w)
	trail := Trail{Account: data, Region: "us-east-1", Name: "t", Bucket: "shared"}
	writes := func(trail string) string {
		return `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"},
			"Action": ["s3:GetBucketAcl", "s3:PutObject"], "Resource": ["arn:aws:s3:::shared", "arn:aws:s3:::shared/AWSLogs/987654321098/*"],
			"Condition": {"StringEquals": {"aws:SourceArn": "arn:aws:cloudtrail:us-east-1:987654321098:trail/` + trail + `"}}}}`
	}
	expectCode(t, "a trail that may not write", w.PutTrail(t.Context(), trail, true), "InsufficientS3BucketPolicyException")
	expectCode(t, "another trail may", w.PutBucketPolicy("shared", writes("other")), "")
	expectCode(t, "a policy for another trail", w.PutTrail(t.Context(), trail, true), "InsufficientS3BucketPolicyException")
	expectCode(t, "the trail may", w.PutBucketPolicy("shared", writes("t")), "")
	expectCode(t, "a trail of another account", w.PutTrail(t.Context(), Trail{Account: compute, Region: "us-east-1", Name: "t", Bucket: "shared"}, true),
		"InsufficientS3BucketPolicyException")
	expectCode(t, "a trail that is not there", w.PutTrail(t.Context(), trail, false), "TrailNotFoundException")
	expectCode(t, "a trail", w.PutTrail(t.Context(), trail, true), "")
	expectCode(t, "the same trail", w.PutTrail(t.Context(), trail, true), "TrailAlreadyExistsException")
	expectCode(t, "deleting", w.DeleteTrail(trail.ARN()), "")
	expectCode(t, "deleting it again", w.DeleteTrail(trail.ARN()), "TrailNotFoundException")
	trail.Bucket = "none"
	expectCode(t, "a trail without a bucket", w.PutTrail(t.Context(), trail, true), "S3BucketDoesNotExistException")

	const gone, there = "ResourceNotFoundException", "ResourceConflictException"
	topic, alarm := Topic{Account: data, Region: "us-east-1", Name: "t"}, Alarm{Name: "a"}
	expectCode(t, "changing no topic", w.PutTopic(topic, false), gone)
	expectCode(t, "a policy of no topic", w.PutTopicPolicy(topic.ARN(), publishes), gone)
	expectCode(t, "a topic", w.PutTopic(topic, true), "")
	expectCode(t, "the same topic", w.PutTopic(topic, true), there)
	expectCode(t, "a policy that is none", w.PutTopicPolicy(topic.ARN(), "{"), "InvalidParameter")
	expectCode(t, "deleting a topic", w.DeleteTopic(topic.ARN()), "")
	expectCode(t, "deleting it again", w.DeleteTopic(topic.ARN()), gone)
	expectCode(t, "changing no alarm", w.PutAlarm(alarm, false), gone)
	expectCode(t, "deleting no alarm", w.DeleteAlarm(alarm.ARN()), gone)
	expectCode(t, "changing nothing", w.Keep("d", 1, false), gone)
	expectCode(t, "keeping", w.Keep("d", 1, true), "")
	expectCode(t, "keeping it again", w.Keep("d", 1, true), there)
	expectCode(t, "forgetting", w.Forget("d"), "")
	expectCode(t, "forgetting it again", w.Forget("d"), gone)
}
