package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
)

// benchCases are cross-account requests with conditions as the system of this project makes them: a Lambda role in one account, a
// bucket, a key and a queue in the other. Each comes with the decision that it must give.
func benchCases() []benchCase {
	const (
		session  = "arn:aws:sts::123456789012:assumed-role/CrossAccountS3Role/CrossAccountS3Access"
		stranger = "arn:aws:sts::123456789012:assumed-role/CrossAccountS3Rolf/CrossAccountS3Access"
		third    = "arn:aws:iam::111122223333:role/Reader"
		object   = "arn:aws:s3:::my-cross-account-bucket/incoming/2026/report.csv"
		bucket   = "arn:aws:s3:::my-cross-account-bucket"
		key      = "arn:aws:kms:eu-central-1:987654321098:key/6f0f9f6e-0000-4000-8000-000000000000"
		queue    = "arn:aws:sqs:eu-central-1:987654321098:events"
	)
	context := func(more map[string]any) map[string]any {
		values := map[string]any{
			"aws:SecureTransport": "true", "s3:TlsVersion": "1.3", "aws:SourceIp": "203.0.113.7",
			"aws:PrincipalArn": "arn:aws:iam::123456789012:role/CrossAccountS3Role", "aws:PrincipalAccount": "123456789012",
			"aws:PrincipalOrgID": "o-a1b2c3d4e5", "aws:PrincipalOrgPaths": []string{"o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/"},
			"aws:CurrentTime": "2026-05-04T12:00:00Z", "aws:EpochTime": "1777896000", "aws:ResourceAccount": "987654321098", "aws:RequestedRegion": "eu-central-1",
		}
		for name, value := range more {
			if value == nil {
				delete(values, name)
				continue
			}
			values[name] = value
		}
		return values
	}
	request := func(principal, action, arn string, more map[string]any) Request {
		return Request{Principal: principal, Action: action, Resource: Resource{ARN: arn, AccountID: "987654321098"}, Context: context(more)}
	}
	return []benchCase{
		{Allowed, request(session, "s3:GetObject", object, nil)},
		{Allowed, request(session, "s3:PutObject", object, map[string]any{"s3:x-amz-server-side-encryption": "aws:kms"})},
		{Allowed, request(session, "s3:ListBucket", bucket, map[string]any{"s3:prefix": "incoming/2026/"})},
		{Allowed, request(session, "kms:Decrypt", key, map[string]any{"kms:ViaService": "s3.eu-central-1.amazonaws.com"})},
		{Allowed, request(session, "sqs:SendMessage", queue, map[string]any{"aws:SourceArn": bucket})},
		{ExplicitlyDenied, request(session, "s3:GetObject", object, map[string]any{"aws:SecureTransport": "false"})},
		{ExplicitlyDenied, request(session, "s3:GetObject", object, map[string]any{"s3:TlsVersion": "1.1"})},
		{ExplicitlyDenied, request(session, "s3:PutObject", object, map[string]any{"s3:x-amz-server-side-encryption": "AES256"})},
		{ExplicitlyDenied, request(session, "s3:GetObject", object, map[string]any{"aws:PrincipalOrgID": "o-z9y8x7w6v5"})},
		{ImplicitlyDenied, request(session, "s3:ListBucket", bucket, map[string]any{"s3:prefix": "secret/"})},
		{ImplicitlyDenied, request(session, "s3:GetObject", "arn:aws:s3:::my-cross-account-bucket/secret/report.csv", nil)},
		{ImplicitlyDenied, request(session, "s3:DeleteBucket", bucket, nil)},
		{ImplicitlyDenied, request(stranger, "s3:GetObject", object, map[string]any{"aws:PrincipalArn": "arn:aws:iam::123456789012:role/CrossAccountS3Rolf"})},
		{ImplicitlyDenied, request(third, "s3:GetObject", object, map[string]any{"aws:PrincipalArn": third, "aws:PrincipalAccount": "111122223333"})},
		{ImplicitlyDenied, request(session, "kms:Decrypt", key, map[string]any{"kms:ViaService": "sqs.eu-central-1.amazonaws.com"})},
		{ImplicitlyDenied, request(session, "sqs:SendMessage", queue, map[string]any{"aws:SourceArn": nil})},
	}
}

type benchCase struct {
	want    Decision
	request Request
}

const (
	benchIdentity = `{"Version":"2012-10-17","Statement":[
		{"Sid":"List","Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::my-cross-account-bucket",
			"Condition":{"StringLike":{"s3:prefix":["incoming/*","incoming"]}}},
		{"Sid":"Objects","Effect":"Allow","Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],
			"Resource":"arn:aws:s3:::my-cross-account-bucket/incoming/*"},
		{"Sid":"Key","Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey*"],"Resource":"arn:aws:kms:*:987654321098:key/*",
			"Condition":{"StringLike":{"kms:ViaService":"s3.*.amazonaws.com"}}},
		{"Sid":"Events","Effect":"Allow","Action":"sqs:SendMessage","Resource":"arn:aws:sqs:*:987654321098:events"},
		{"Sid":"Logs","Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],
			"Resource":"arn:aws:logs:eu-central-1:123456789012:log-group:/aws/lambda/CrossAccountS3Access:*"}]}`
	benchBucket = `{"Version":"2012-10-17","Statement":[
		{"Sid":"List","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/CrossAccountS3Role"},"Action":"s3:ListBucket",
			"Resource":"arn:aws:s3:::my-cross-account-bucket","Condition":{"StringLike":{"s3:prefix":["incoming/*","incoming"]}}},
		{"Sid":"Objects","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/CrossAccountS3Role"},
			"Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::my-cross-account-bucket/incoming/*",
			"Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32"]},"DateLessThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"}}},
		{"Sid":"DenyPlainHTTP","Effect":"Deny","Principal":"*","Action":"s3:*",
			"Resource":["arn:aws:s3:::my-cross-account-bucket","arn:aws:s3:::my-cross-account-bucket/*"],
			"Condition":{"Bool":{"aws:SecureTransport":"false"}}},
		{"Sid":"DenyOldTLS","Effect":"Deny","Principal":"*","Action":"s3:*",
			"Resource":["arn:aws:s3:::my-cross-account-bucket","arn:aws:s3:::my-cross-account-bucket/*"],
			"Condition":{"NumericLessThan":{"s3:TlsVersion":"1.2"}}},
		{"Sid":"DenyUnencrypted","Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::my-cross-account-bucket/*",
			"Condition":{"StringNotEqualsIfExists":{"s3:x-amz-server-side-encryption":"aws:kms"}}}]}`
	benchKey = `{"Version":"2012-10-17","Statement":[
		{"Sid":"Owner","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::987654321098:root"},"Action":"kms:*","Resource":"*"},
		{"Sid":"Use","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/CrossAccountS3Role"},
			"Action":["kms:Decrypt","kms:GenerateDataKey*"],"Resource":"*",
			"Condition":{"StringEquals":{"kms:ViaService":"s3.eu-central-1.amazonaws.com"}}}]}`
	benchQueue = `{"Version":"2012-10-17","Statement":[
		{"Sid":"Send","Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sqs:SendMessage","Resource":"arn:aws:sqs:eu-central-1:987654321098:events",
			"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::my-cross-*"}}}]}`
	benchSCP = `{"Version":"2012-10-17","Statement":[{"Sid":"Everything","Effect":"Allow","Action":"*","Resource":"*"},
		{"Sid":"StayInRegion","Effect":"Deny","NotAction":["s3:*","iam:*","sts:*"],"Resource":"*",
			"Condition":{"StringNotEqualsIfExists":{"aws:RequestedRegion":["eu-central-1","eu-west-1"]}}}]}`
	benchRCP = `{"Version":"2012-10-17","Statement":[{"Sid":"OnlyOurs","Effect":"Deny","Principal":"*","Action":["s3:*","sqs:*","kms:*"],"Resource":"*",
		"Condition":{"StringNotEqualsIfExists":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"},"BoolIfExists":{"aws:PrincipalIsAWSService":"false"}}}]}`
)

func (c benchCase) question(id int) Case {
	resourcePolicy := benchBucket
	switch c.request.Action {
	case "kms:Decrypt":
		resourcePolicy = benchKey
	case "sqs:SendMessage":
		resourcePolicy = benchQueue
	}
	return Case{
		ID: fmt.Sprint(id), Request: c.request,
		IdentityPolicies: []NamedPolicy{{Name: "access", Policy: json.RawMessage(benchIdentity)}},
		ResourcePolicy:   json.RawMessage(resourcePolicy),
		SCPs: []Level{
			{OrgIdentifier: "r-ab12", Policies: []NamedPolicy{{Name: "FullAWSAccess", Policy: json.RawMessage(benchSCP)}}},
			{OrgIdentifier: "ou-ab12-11111111", Policies: []NamedPolicy{{Name: "FullAWSAccess", Policy: json.RawMessage(benchSCP)}}},
		},
		RCPs: []Level{{OrgIdentifier: "r-ab12", Policies: []NamedPolicy{{Name: "perimeter", Policy: json.RawMessage(benchRCP)}}}},
	}
}

func benchLines(tb testing.TB) [][]byte {
	var lines [][]byte
	for i, c := range benchCases() {
		line, err := json.Marshal(c.question(i))
		if err != nil {
			tb.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines
}

// What the benchmarks measure has to be right first.
func TestBenchmarkCases(t *testing.T) {
	engine, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range benchLines(t) {
		c := benchCases()[i]
		_, result, err := engine.DecideJSON(t.Context(), line, false)
		if err != nil {
			t.Fatalf("case %d: %v", i, err)
		}
		if result.Decision != c.want {
			t.Errorf("case %d, %s on %s by %s: %s, want %s", i, c.request.Action, c.request.Resource.ARN, c.request.Principal, result.Decision, c.want)
		}
	}
}

func perSecond(b *testing.B) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "decisions/s")
}

// BenchmarkDecideJSON is one line of `gate simulate`: reading and deciding, on one core.
func BenchmarkDecideJSON(b *testing.B) {
	engine, err := New(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	lines := benchLines(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, _, err := engine.DecideJSON(b.Context(), lines[i%len(lines)], false); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b)
}

// BenchmarkDecideJSONFresh is the same for documents that have never been seen before: nothing kept from an earlier case helps.
func BenchmarkDecideJSONFresh(b *testing.B) {
	engine, err := New(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	lines := benchLines(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		line := bytes.ReplaceAll(lines[i%len(lines)], []byte(`{"Version":`), fmt.Appendf(nil, `{"Id":"%d","Version":`, i))
		if _, _, err := engine.DecideJSON(b.Context(), line, false); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b)
}

// BenchmarkDecideJSONWithReasons is one line of `gate simulate --reasons`.
func BenchmarkDecideJSONWithReasons(b *testing.B) {
	engine, err := New(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	lines := benchLines(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, _, err := engine.DecideJSON(b.Context(), lines[i%len(lines)], true); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b)
}

// BenchmarkEvaluate is the decision alone, of cases that have been read.
func BenchmarkEvaluate(b *testing.B) {
	engine, err := New(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	lines := benchLines(b)
	b.ReportAllocs()
	b.StopTimer()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		q, err := readCase(lines[i%len(lines)])
		if err != nil {
			b.Fatal(err)
		}
		input, err := engine.prepare(b.Context(), q, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if _, err := engine.evaluate(b.Context(), input, false); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
	}
	perSecond(b)
}

// BenchmarkRead is the strict reading alone, of cases whose documents come for the first time.
func BenchmarkRead(b *testing.B) {
	lines := benchLines(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := readWhole(lines[i%len(lines)]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadAgain is the strict reading alone, of cases whose documents are known.
func BenchmarkReadAgain(b *testing.B) {
	lines := benchLines(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := readCase(lines[i%len(lines)]); err != nil {
			b.Fatal(err)
		}
	}
}
