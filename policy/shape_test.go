package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// bucketAttachment is a policy of a bucket of account B.
func bucketAttachment(bucket, statements string) attachment {
	return attachment{Kind: "bucket", Account: "987654321098", ARN: "arn:aws:s3:::" + bucket, Text: `{"Version":"2012-10-17","Statement":[` + statements + `]}`}
}

func TestShape(t *testing.T) {
	grant := func(role, resource, condition string) string {
		return `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/` + role + `"},"Action":"s3:GetObject","Resource":"` + resource + `"` +
			condition + `}`
	}
	on := func(pattern string) func(bucket string) attachment {
		return func(bucket string) attachment {
			return bucketAttachment(bucket, grant("app-1", "arn:aws:s3:::"+bucket+"/*", "")+","+grant("app-1", pattern, ""))
		}
	}
	one := bucketAttachment("logs-1", grant("app-1", "arn:aws:s3:::logs-1/folder-1/*", ""))
	for _, c := range []struct {
		name       string
		one, other attachment
		alike      bool
	}{
		{"other names", one, bucketAttachment("logs-2", grant("app-2", "arn:aws:s3:::logs-2/folder-2/*", "")), true},
		{"another bucket's name", one, bucketAttachment("logs-2", grant("app-1", "arn:aws:s3:::logs-1/folder-1/*", "")), false},
		{"a name for two", one, bucketAttachment("logs-2", grant("logs-2", "arn:aws:s3:::logs-2/folder-2/*", "")), false},
		{"a name less", one, bucketAttachment("logs-1", grant("app-1", "arn:aws:s3:::logs-1/*", "")), false},
		{"a word of the rules", one, bucketAttachment("logs-1", grant("Stranger", "arn:aws:s3:::logs-1/folder-1/*", "")), false},
		{"a word of their requests", one, bucketAttachment("logs-1", grant("app-1", "arn:aws:s3:::logs-1/x/*", "")), false},
		{"another account", one, bucketAttachment("logs-1", strings.Replace(grant("app-1", "arn:aws:s3:::logs-1/folder-1/*", ""), "1234", "1244", 1)), false},
		{"a pattern of one of the names", on("arn:aws:s3:::logs-1*")("logs-1"), on("arn:aws:s3:::logs-1*")("logs-2"), false},
		{"a pattern in front of them", on("*s-1/*")("logs-1"), on("*s-1/*")("logs-2"), false},
		{"a pattern of the service too", on("arn:aws:s3*s-1/*")("logs-1"), on("arn:aws:s3*s-1/*")("logs-2"), false},
		{"a pattern in other letters", on("ARN:aws:s3:::*s-1/*")("logs-1"), on("ARN:aws:s3:::*s-1/*")("logs-2"), false},
		{"any one character", on("arn:aws:s3:::?/*")("logs-1"), on("arn:aws:s3:::?/*")("logs-2"), false},
		{"every resource", on("*")("logs-1"), on("*")("logs-2"), true},
		{"every folder of that name", on("arn:aws:s3:::*/folder-1/*")("logs-1"), on("arn:aws:s3:::*/folder-1/*")("logs-2"), true},
		{"a variable", on("arn:aws:s3:::${aws:username}/*")("logs-1"), on("arn:aws:s3:::${aws:username}/*")("logs-2"), false},
		{"another region", on("arn:aws:sqs:eu-south-7:123456789012:q-1")("logs-1"), on("arn:aws:sqs:eu-south-8:123456789012:q-1")("logs-1"), false},
		{
			"a name in a condition",
			bucketAttachment("logs-1", grant("app-1", "arn:aws:s3:::logs-1", `,"Condition":{"StringEquals":{"aws:PrincipalTag/for":"logs-1"}}`)),
			bucketAttachment("logs-2", grant("app-1", "arn:aws:s3:::logs-2", `,"Condition":{"StringEquals":{"aws:PrincipalTag/for":"logs-1"}}`)),
			false,
		},
		{
			"the same name in other letters",
			bucketAttachment("logs-1", grant("app-1", "arn:aws:s3:::logs-1/app-1/*", "")),
			bucketAttachment("logs-1", grant("app-1", "arn:aws:s3:::logs-1/App-1/*", "")),
			false,
		},
		{
			"the stranger's account",
			bucketAttachment("logs-1", grant("app-1", "arn:aws:s3:::logs-1/a-111122223333/*", "")),
			bucketAttachment("logs-1", grant("app-1", "arn:aws:s3:::logs-1/a-111122223334/*", "")),
			false,
		},
	} {
		if alike := c.one.shape() == c.other.shape(); alike != c.alike {
			t.Errorf("%s: of the same shape: %v, want %v\n%s\n%s", c.name, alike, c.alike, c.one.Text, c.other.Text)
		}
	}
}

// nameableStatements are what people write, with bucket, folder, role and another name, each in several places, and what could tell them
// apart.
var nameableStatements = []string{
	`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::BUCKET","arn:aws:s3:::BUCKET/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`,
	`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::BUCKET","arn:aws:s3:::*"],"Condition":{"NumericLessThan":{"s3:TlsVersion":"1.2"}}}`,
	`{"Effect":"Deny","Principal":"*","Action":"s3:*","NotResource":"arn:aws:s3:::BUCKET/FOLDER/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}`,
	`{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::123456789012:role/ROLE"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::BUCKET/OTHER/*"}`,
	`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::BUCKET/*/OTHER"}`,
	`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::O*","*R/x"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`,
	`{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3*b/*"}`,
	`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/ROLE"},"Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::BUCKET/FOLDER/*"}`,
	`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/OTHER/ROLE"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::BUCKET"}`,
	`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::BUCKET/FOLDER/OTHER"}`,
	`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::BUCKET/*",` +
		`"Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/ROLE"}}}`,
	`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::BUCKET/FOLDER/*",` +
		`"Condition":{"StringLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/OTHER"}}}`,
	`{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::BUCKET/*","Condition":{"StringNotLike":{"aws:userid":"*:ROLE"}}}`,
	`{"Effect":"Allow","Principal":{"Service":"logging.s3.amazonaws.com"},"Action":"s3:PutObject","Resource":"arn:aws:s3:::BUCKET/FOLDER/*",` +
		`"Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:s3:::OTHER"}}}`,
}

// What shape leaves out makes no difference to the rules: with every name another, they find the same.
func TestPoliciesOfAShapeAreAlike(t *testing.T) {
	rules := testRules(t)
	verdict := func(bucket, statements string) string {
		document := bucketAttachment(bucket, statements).Text.(string)
		text, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		file := strings.NewReplacer(`"bucket":"b"`, `"bucket":"`+bucket+`"`, `"POLICY"`, string(text)).Replace(preview(t, "POLICY"))
		findings, err := rules.CheckResource(t.Context(), File{Contents: json.RawMessage(file)}, "urn:pulumi:b::p::aws:s3/bucketPolicy:BucketPolicy::x")
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, finding := range findings {
			found = append(found, fmt.Sprint(finding.Rule, finding.Severity, finding.Statement != nil && finding.Statement.Index > 0))
		}
		slices.Sort(found)
		return strings.Join(found, "\n")
	}
	names := rapid.SampledFrom([]string{"logs-1", "web-b", "Ob", "Or", "oR", "q", "x", "z9", "key", "session", "Stranger", "Any", "role", "something-else"})
	alike := 0
	rapid.Check(t, func(rt *rapid.T) {
		statements := strings.Join(rapid.SliceOfN(rapid.SampledFrom(nameableStatements), 1, 4).Draw(rt, "statements"), ",")
		draw := func() (bucket, text string) {
			bucket = names.Draw(rt, "bucket")
			return bucket, strings.NewReplacer(
				"BUCKET", bucket, "FOLDER", names.Draw(rt, "folder"), "ROLE", names.Draw(rt, "role"), "OTHER", names.Draw(rt, "other"),
			).Replace(statements)
		}
		bucket, text := draw()
		other, otherText := draw()
		isAlike := func() bool {
			return otherText != text && bucketAttachment(bucket, text).shape() == bucketAttachment(other, otherText).shape()
		}
		for range 20 {
			if !isAlike() {
				other, otherText = draw()
			}
		}
		if !isAlike() {
			return
		}
		alike++
		if one, two := verdict(bucket, text), verdict(other, otherText); one != two {
			rt.Fatalf("of the same shape:\n%s\nis found with\n%s\nand\n%s\nwith\n%s", one, text, two, otherText)
		}
	})
	if alike == 0 {
		t.Error("no two policies had the same shape")
	}
}
