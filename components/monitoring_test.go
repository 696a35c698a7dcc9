package components

import (
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

var (
	ofB = Place{Partition: "aws", Region: "us-east-1", AccountID: "987654321098"}
	ofA = Place{Partition: "aws", Region: "us-east-1", AccountID: "123456789012"}
)

func monitoredBucket(ctx *pulumi.Context) error {
	bucket, err := NewSharedBucket(ctx, "bucket", &SharedBucketArgs{Access: accessTo("", Read), Role: ComputeRole{ARN: roleARN}})
	if err != nil {
		return err
	}
	if _, err := NewBucketTrail(ctx, "trail", &BucketTrailArgs{
		Bucket: bucket, BucketName: "my-cross-account-bucket", LogBucketName: "logs", RetentionDays: 90, ForceDestroy: true, Place: ofB,
	}); err != nil {
		return err
	}
	_, err = NewBucketMonitoring(ctx, "bucket", &BucketMonitoringArgs{
		Bucket: bucket, BucketName: "my-cross-account-bucket", ClientErrors: 7, FunctionName: "f", FunctionOwner: ofA.AccountID, Place: ofB,
		Subscriptions: []string{"a@example.com", "https://example.com/hook"},
	})
	return err
}

// Every document has to be known before anything is there.
func TestBucketTrail(t *testing.T) {
	for _, previews := range []bool{true, false} {
		m := &monitor{previews: previews}
		if err := m.run("account-b", nil, monitoredBucket); err != nil {
			t.Fatal(err)
		}
		policy := m.named(t, "aws:s3/bucketPolicy:BucketPolicy", "trail")
		expectDocument(t, "the log bucket's policy", policy.inputs["policy"], `{"Version": "2012-10-17", "Statement": [
			{"Sid": "LookAtBucket", "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:GetBucketAcl",
				"Resource": "arn:aws:s3:::logs", "Condition": {"StringEquals": {
					"aws:SourceArn": "arn:aws:cloudtrail:us-east-1:987654321098:trail/my-cross-account-bucket-access"}}},
			{"Sid": "WriteRecords", "Effect": "Allow", "Principal": {"Service": "cloudtrail.amazonaws.com"}, "Action": "s3:PutObject",
				"Resource": "arn:aws:s3:::logs/AWSLogs/987654321098/*", "Condition": {"StringEquals": {
					"aws:SourceArn": "arn:aws:cloudtrail:us-east-1:987654321098:trail/my-cross-account-bucket-access",
					"s3:x-amz-acl": "bucket-owner-full-control"}}},
			{"Sid": "DenyPlainHTTP", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"],
				"Condition": {"Bool": {"aws:SecureTransport": "false"}}},
			{"Sid": "DenyOldTLS", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::logs", "arn:aws:s3:::logs/*"],
				"Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}}
		]}`)
		for _, token := range []string{
			"aws:s3/bucketOwnershipControls:BucketOwnershipControls", "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
			"aws:s3/bucketVersioningV2:BucketVersioningV2",
			"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2",
		} {
			expectEqual(t, "bucket of "+token, m.named(t, token, "trail").inputs["bucket"], "logs")
		}
		expectEqual(t, "lifecycle", m.one(t, "aws:s3/bucketLifecycleConfigurationV2:BucketLifecycleConfigurationV2").inputs["rules"], []any{map[string]any{
			"id": "expire", "status": "Enabled", "filter": map[string]any{"prefix": ""}, "expiration": map[string]any{"days": 90.0},
			"noncurrentVersionExpiration": map[string]any{"noncurrentDays": 30.0}, "abortIncompleteMultipartUpload": map[string]any{"daysAfterInitiation": 30.0},
		}})

		trail := m.one(t, "aws:cloudtrail/trail:Trail")
		expectEqual(t, "trail", trail.inputs, map[string]any{
			"name": "my-cross-account-bucket-access", "s3BucketName": "logs", "isMultiRegionTrail": false, "includeGlobalServiceEvents": false,
			"enableLogging": true, "enableLogFileValidation": true,
			"advancedEventSelectors": []any{map[string]any{"name": "Objects of the bucket", "fieldSelectors": []any{
				map[string]any{"field": "eventCategory", "equals": []any{"Data"}},
				map[string]any{"field": "resources.type", "equals": []any{"AWS::S3::Object"}},
				map[string]any{"field": "resources.ARN", "startsWiths": []any{"arn:aws:s3:::my-cross-account-bucket/"}},
			}}},
		})
		// CloudTrail looks at the policy when the trail is made.
		if !slices.Contains(trail.dependencies, "aws:s3/bucketPolicy:BucketPolicy::trail") {
			t.Errorf("the trail waits for %q", trail.dependencies)
		}
	}
}

// Without the filter's id an alarm watches a metric that there never is.
func TestBucketMonitoring(t *testing.T) {
	m := &monitor{previews: true}
	if err := m.run("account-b", nil, monitoredBucket); err != nil {
		t.Fatal(err)
	}
	expectEqual(t, "request metrics", m.one(t, "aws:s3/bucketMetric:BucketMetric").inputs,
		map[string]any{"bucket": "my-cross-account-bucket", "name": "EntireBucket"})
	for name, want := range map[string]float64{"4xx": 7, "5xx": 5} {
		alarm := m.named(t, "aws:cloudwatch/metricAlarm:MetricAlarm", "bucket-"+name+"-errors").inputs
		expectEqual(t, "metric", []any{alarm["namespace"], alarm["metricName"], alarm["statistic"]}, []any{"AWS/S3", name + "Errors", "Sum"})
		expectEqual(t, "dimensions", alarm["dimensions"], map[string]any{"BucketName": "my-cross-account-bucket", "FilterId": "EntireBucket"})
		expectEqual(t, "threshold", alarm["threshold"], want)
	}
	topicPolicy := m.one(t, "aws:sns/topicPolicy:TopicPolicy").inputs
	expectEqual(t, "topic", topicPolicy["arn"], "arn:aws:sns:us-east-1:987654321098:my-cross-account-bucket-alarms")
	expectDocument(t, "the topic's policy", topicPolicy["policy"], `{"Version": "2012-10-17", "Statement": [
		{"Sid": "PublishAlarms", "Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"}, "Action": "sns:Publish",
			"Resource": "arn:aws:sns:us-east-1:987654321098:my-cross-account-bucket-alarms", "Condition": {
				"StringEquals": {"aws:SourceAccount": "987654321098"},
				"ArnLike": {"aws:SourceArn": "arn:aws:cloudwatch:us-east-1:987654321098:alarm:*"}}},
		{"Sid": "DenyPlainHTTP", "Effect": "Deny", "Principal": "*", "Resource": "arn:aws:sns:us-east-1:987654321098:my-cross-account-bucket-alarms",
			"Condition": {"Bool": {"aws:SecureTransport": "false"}}, "Action": ["sns:AddPermission", "sns:DeleteTopic",
			"sns:GetDataProtectionPolicy", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic", "sns:ListTagsForResource", "sns:Publish",
			"sns:PutDataProtectionPolicy", "sns:RemovePermission", "sns:SetTopicAttributes", "sns:Subscribe"]}
	]}`)
	for endpoint, protocol := range map[string]string{"a@example.com": "email", "https://example.com/hook": "https"} {
		subscription := m.named(t, "aws:sns/topicSubscription:TopicSubscription", "bucket-"+endpoint).inputs
		expectEqual(t, "subscription", []any{subscription["endpoint"], subscription["protocol"]}, []any{endpoint, protocol})
	}
	body, _ := m.one(t, "aws:cloudwatch/dashboard:Dashboard").inputs["dashboardBody"].(string)
	widgets, _ := parse(t, body).(map[string]any)["widgets"].([]any)
	if len(widgets) != 5 || !strings.Contains(body, `["AWS/S3","4xxErrors","BucketName","my-cross-account-bucket","FilterId","EntireBucket",{"stat":"Sum"}]`) {
		t.Errorf("dashboard: %s", body)
	}
}

func TestFunctionMonitoring(t *testing.T) {
	m := &monitor{}
	if err := m.run("account-a", nil, func(ctx *pulumi.Context) error {
		_, err := NewFunctionMonitoring(ctx, "function", &FunctionMonitoringArgs{
			FunctionName: "f", TimeoutSeconds: 30, BucketName: "b", BucketOwner: ofB.AccountID, Place: ofA,
		})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]any{
		"errors": {"Errors", "Sum", nil, 1.0}, "throttles": {"Throttles", "Sum", nil, 1.0}, "duration": {"Duration", nil, "p99", 27000.0},
	} {
		alarm := m.named(t, "aws:cloudwatch/metricAlarm:MetricAlarm", "function-"+name).inputs
		expectEqual(t, name, []any{alarm["metricName"], alarm["statistic"], alarm["extendedStatistic"], alarm["threshold"]}, want)
		expectEqual(t, "dimensions", alarm["dimensions"], map[string]any{"FunctionName": "f"})
		expectEqual(t, "actions", alarm["alarmActions"], []any{"arn-of-function"})
	}
	if body, _ := m.one(t, "aws:cloudwatch/dashboard:Dashboard").inputs["dashboardBody"].(string); strings.Contains(body, "AWS/S3") {
		t.Errorf("the dashboard has metrics of the other account: %s", body)
	}
}

func TestAccessAnalyzer(t *testing.T) {
	m := &monitor{}
	if err := m.run("account-a", nil, func(ctx *pulumi.Context) error {
		_, err := NewAccessAnalyzer(ctx, "analyzer")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	expectEqual(t, "analyzer", m.one(t, "aws:accessanalyzer/analyzer:Analyzer").inputs,
		map[string]any{"analyzerName": "cross-account-s3-external-access", "type": "ACCOUNT"})
}

func TestMonitoringSettings(t *testing.T) {
	const project = "cross-account-s3:"
	long := strings.Repeat("b", 60)
	for name, c := range map[string]struct {
		changes map[string]string
		want    string // in the error; empty where there is none
	}{
		"on":                          {map[string]string{"monitoring": "true", "alarmSubscriptions": `["a@example.com","https://example.com/x"]`}, ""},
		"not a boolean":               {map[string]string{"monitoring": "yes"}, `monitoring is "yes", and has to be true or false`},
		"not an analyzer":             {map[string]string{"accessAnalyzer": "1"}, `accessAnalyzer is "1", and has to be true or false`},
		"no list":                     {map[string]string{"alarmSubscriptions": "a@example.com"}, "a list of email addresses and https URLs"},
		"plain http":                  {map[string]string{"alarmSubscriptions": `["http://example.com"]`}, `alarmSubscriptions[0] is "http://example.com"`},
		"twice":                       {map[string]string{"alarmSubscriptions": `["a@b.c","a@b.c"]`}, "named only once"},
		"records in the bucket":       {map[string]string{"trailBucketName": "my-cross-account-bucket"}, "could forge records"},
		"no bucket name":              {map[string]string{"trailBucketName": "No"}, `trailBucketName is "No"`},
		"a long name":                 {map[string]string{"bucketName": long, "monitoring": "true"}, "too long to put -trail behind it"},
		"a long name without a trail": {map[string]string{"bucketName": long}, ""},
		"a long name and another":     {map[string]string{"bucketName": long, "monitoring": "true", "trailBucketName": "t.b"}, ""},
		"no days":                     {map[string]string{"trailRetentionDays": "0"}, "a whole number of days"},
		"no errors":                   {map[string]string{"alarmClientErrors": "0"}, "a whole number of requests in five minutes"},
	} {
		t.Run(name, func(t *testing.T) {
			changes := map[string]string{}
			for key, value := range c.changes {
				changes[project+key] = value
			}
			_, err := settingsOf(t, "account-b", changes)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, expected %q", err, c.want)
			}
		})
	}
}

func TestWatchName(t *testing.T) {
	for watched, want := range map[string]string{"a.b--c": "a-b-c-access", "f_1-": "f-1-access"} {
		expectEqual(t, watched, watchName(watched, "access"), want)
	}
}
