package components

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"cross-account-s3/policy"
)

const roleARN = "arn:aws:iam::123456789012:role/CrossAccountS3Role"

// accessTo is access to the bucket of the examples.
func accessTo(prefix string, permissions ...Permission) Access {
	return Access{Partition: "aws", BucketName: "my-cross-account-bucket", Prefix: prefix, Permissions: permissions}
}

// The two denials every bucket policy ends with.
const denials = `
	{"Sid": "DenyPlainHTTP", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
	 "Resource": ["arn:aws:s3:::my-cross-account-bucket", "arn:aws:s3:::my-cross-account-bucket/*"],
	 "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
	{"Sid": "DenyOldTLS", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
	 "Resource": ["arn:aws:s3:::my-cross-account-bucket", "arn:aws:s3:::my-cross-account-bucket/*"],
	 "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}}`

func TestAccessDocuments(t *testing.T) {
	for _, c := range []struct {
		name             string
		access           Access
		identity, bucket string
	}{
		{
			"everything, whole bucket", accessTo("", Read, Write, Delete, List),
			`{"Version": "2012-10-17", "Statement": [
				{"Sid": "UseObjects", "Effect": "Allow", "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
				 "Resource": "arn:aws:s3:::my-cross-account-bucket/*"},
				{"Sid": "ListObjects", "Effect": "Allow", "Action": "s3:ListBucket",
				 "Resource": "arn:aws:s3:::my-cross-account-bucket"}]}`,
			`{"Version": "2012-10-17", "Statement": [
				{"Sid": "UseObjects", "Effect": "Allow", "Principal": {"AWS": "` + roleARN + `"},
				 "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
				 "Resource": "arn:aws:s3:::my-cross-account-bucket/*"},
				{"Sid": "ListObjects", "Effect": "Allow", "Principal": {"AWS": "` + roleARN + `"},
				 "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::my-cross-account-bucket"},` + denials + `]}`,
		},
		{
			"reading and listing a folder", accessTo("data/", List, Read),
			`{"Version": "2012-10-17", "Statement": [
				{"Sid": "UseObjects", "Effect": "Allow", "Action": "s3:GetObject",
				 "Resource": "arn:aws:s3:::my-cross-account-bucket/data/*"},
				{"Sid": "ListObjects", "Effect": "Allow", "Action": "s3:ListBucket",
				 "Resource": "arn:aws:s3:::my-cross-account-bucket",
				 "Condition": {"StringLike": {"s3:prefix": "data/*"}}}]}`,
			`{"Version": "2012-10-17", "Statement": [
				{"Sid": "UseObjects", "Effect": "Allow", "Principal": {"AWS": "` + roleARN + `"}, "Action": "s3:GetObject",
				 "Resource": "arn:aws:s3:::my-cross-account-bucket/data/*"},
				{"Sid": "ListObjects", "Effect": "Allow", "Principal": {"AWS": "` + roleARN + `"}, "Action": "s3:ListBucket",
				 "Resource": "arn:aws:s3:::my-cross-account-bucket",
				 "Condition": {"StringLike": {"s3:prefix": "data/*"}}},` + denials + `]}`,
		},
		{
			"writing alone", accessTo("", Write),
			`{"Version": "2012-10-17", "Statement": [
				{"Sid": "UseObjects", "Effect": "Allow", "Action": "s3:PutObject",
				 "Resource": "arn:aws:s3:::my-cross-account-bucket/*"}]}`,
			`{"Version": "2012-10-17", "Statement": [
				{"Sid": "UseObjects", "Effect": "Allow", "Principal": {"AWS": "` + roleARN + `"}, "Action": "s3:PutObject",
				 "Resource": "arn:aws:s3:::my-cross-account-bucket/*"},` + denials + `]}`,
		},
		{
			"listing alone", accessTo("", List),
			`{"Version": "2012-10-17", "Statement": [
				{"Sid": "ListObjects", "Effect": "Allow", "Action": "s3:ListBucket",
				 "Resource": "arn:aws:s3:::my-cross-account-bucket"}]}`,
			`{"Version": "2012-10-17", "Statement": [
				{"Sid": "ListObjects", "Effect": "Allow", "Principal": {"AWS": "` + roleARN + `"}, "Action": "s3:ListBucket",
				 "Resource": "arn:aws:s3:::my-cross-account-bucket"},` + denials + `]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			identity, err := c.access.identityDocument()
			if err != nil {
				t.Fatal(err)
			}
			expectDocument(t, "identity policy", identity, c.identity)
			bucket, err := c.access.bucketDocument(roleARN, Consumers{})
			if err != nil {
				t.Fatal(err)
			}
			expectDocument(t, "bucket policy", bucket, c.bucket)
		})
	}
}

// A document that came out in another order would be a change at every preview.
func TestDocumentsAreStable(t *testing.T) {
	first, err := accessTo("data/", Read, Write, Delete, List).bucketDocument(roleARN, Consumers{})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		again, err := accessTo("data/", List, Delete, Write, Read).bucketDocument(roleARN, Consumers{})
		if err != nil {
			t.Fatal(err)
		}
		if again != first {
			t.Fatalf("the same access gives\n%s\nand\n%s", first, again)
		}
	}
}

// What the two halves are for, asked of the evaluator that decides as AWS does.
func TestAccessDecisions(t *testing.T) {
	const (
		session  = "arn:aws:sts::123456789012:assumed-role/CrossAccountS3Role/CrossAccountS3Access"
		neighbor = "arn:aws:sts::123456789012:assumed-role/CrossAccountS3Role2/x"
		stranger = "arn:aws:sts::111122223333:assumed-role/CrossAccountS3Role/x"
		owner    = "arn:aws:iam::987654321098:user/admin"
		bucket   = "arn:aws:s3:::my-cross-account-bucket"
	)
	everything := `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}`
	folder := accessTo("data/", Read, Write, Delete, List)
	engine, err := policy.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name                        string
		access                      Access
		principal, action, resource string
		context                     map[string]any
		want                        policy.Decision
	}{
		{"get", folder, session, "s3:GetObject", bucket + "/data/a", nil, policy.Allowed},
		{"put", folder, session, "s3:PutObject", bucket + "/data/a", nil, policy.Allowed},
		{"delete", folder, session, "s3:DeleteObject", bucket + "/data/a", nil, policy.Allowed},
		{"list the folder", folder, session, "s3:ListBucket", bucket, map[string]any{"s3:prefix": "data/"}, policy.Allowed},
		{"list below the folder", folder, session, "s3:ListBucket", bucket, map[string]any{"s3:prefix": "data/2026/"}, policy.Allowed},

		{"list everything", folder, session, "s3:ListBucket", bucket, nil, policy.ImplicitlyDenied},
		{"list with an empty prefix", folder, session, "s3:ListBucket", bucket, map[string]any{"s3:prefix": ""}, policy.ImplicitlyDenied},
		{"list a neighbor of the folder", folder, session, "s3:ListBucket", bucket, map[string]any{"s3:prefix": "database/"}, policy.ImplicitlyDenied},
		{"get outside the folder", folder, session, "s3:GetObject", bucket + "/other/a", nil, policy.ImplicitlyDenied},
		{"get from a neighbor of the folder", folder, session, "s3:GetObject", bucket + "/database/a", nil, policy.ImplicitlyDenied},
		{"get from another bucket", folder, session, "s3:GetObject", "arn:aws:s3:::my-cross-account-bucket2/data/a", nil, policy.ImplicitlyDenied},
		{"an old version", folder, session, "s3:GetObjectVersion", bucket + "/data/a", nil, policy.ImplicitlyDenied},
		{"delete a version for good", folder, session, "s3:DeleteObjectVersion", bucket + "/data/a", nil, policy.ImplicitlyDenied},
		{"make an object public", folder, session, "s3:PutObjectAcl", bucket + "/data/a", nil, policy.ImplicitlyDenied},
		{"change the bucket policy", folder, session, "s3:PutBucketPolicy", bucket, nil, policy.ImplicitlyDenied},
		{"put without the permission", accessTo("", Read, List), session, "s3:PutObject", bucket + "/a", nil, policy.ImplicitlyDenied},
		{"get without the permission", accessTo("", Write), session, "s3:GetObject", bucket + "/a", nil, policy.ImplicitlyDenied},
		{"list without the permission", accessTo("", Read, Write, Delete), session, "s3:ListBucket", bucket, nil, policy.ImplicitlyDenied},
		{"list the whole bucket", accessTo("", List), session, "s3:ListBucket", bucket, nil, policy.Allowed},

		{"a role with a longer name", folder, neighbor, "s3:GetObject", bucket + "/data/a", nil, policy.ImplicitlyDenied},
		{"the same name in another account", folder, stranger, "s3:GetObject", bucket + "/data/a", nil, policy.ImplicitlyDenied},
		{"anybody", folder, "anonymous", "s3:GetObject", bucket + "/data/a", nil, policy.ImplicitlyDenied},

		{"plain http", folder, session, "s3:GetObject", bucket + "/data/a", map[string]any{"aws:SecureTransport": "false", "s3:TlsVersion": nil}, policy.ExplicitlyDenied},
		{"TLS 1.1", folder, session, "s3:GetObject", bucket + "/data/a", map[string]any{"s3:TlsVersion": "1.1"}, policy.ExplicitlyDenied},
		{"TLS 1.2", folder, session, "s3:GetObject", bucket + "/data/a", map[string]any{"s3:TlsVersion": "1.2"}, policy.Allowed},
		{"the owner by https", folder, owner, "s3:GetObject", bucket + "/data/a", nil, policy.Allowed},
		{"the owner by plain http", folder, owner, "s3:GetObject", bucket + "/data/a", map[string]any{"aws:SecureTransport": "false", "s3:TlsVersion": nil}, policy.ExplicitlyDenied},
		{"the owner's bucket by plain http", folder, owner, "s3:ListBucket", bucket, map[string]any{"aws:SecureTransport": "false", "s3:TlsVersion": nil}, policy.ExplicitlyDenied},
	} {
		t.Run(c.name, func(t *testing.T) {
			identity, err := c.access.identityDocument()
			if err != nil {
				t.Fatal(err)
			}
			resourcePolicy, err := c.access.bucketDocument(roleARN, Consumers{})
			if err != nil {
				t.Fatal(err)
			}
			if c.principal != session {
				identity = everything // Others may have whatever policies they like.
			}
			identityPolicies := []policy.NamedPolicy{{Name: "bucket-access", Policy: json.RawMessage(identity)}}
			if c.principal == "anonymous" {
				identityPolicies = nil
			}
			resource := policy.Resource{ARN: c.resource, AccountID: "987654321098"}
			context := policy.ImpliedContext(c.principal, resource)
			maps.Copy(context, map[string]any{"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"})
			maps.Copy(context, c.context)
			maps.DeleteFunc(context, func(_ string, value any) bool { return value == nil })
			got, err := engine.Decide(t.Context(), policy.Case{
				Request:          policy.Request{Principal: c.principal, Action: c.action, Resource: resource, Context: context},
				IdentityPolicies: identityPolicies,
				ResourcePolicy:   json.RawMessage(resourcePolicy),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got.Decision != c.want {
				t.Errorf("%s, want %s\n%s", got.Decision, c.want, show(got.Reasons))
			}
		})
	}
}

func TestTrustDocument(t *testing.T) {
	document, err := trustDocument()
	if err != nil {
		t.Fatal(err)
	}
	expectDocument(t, "trust policy", document, `{"Version": "2012-10-17", "Statement": [
		{"Sid": "RunFunctions", "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}`)
}

func TestTelemetryDocument(t *testing.T) {
	const group = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/CrossAccountS3Access"
	logs := `{"Sid": "WriteLogs", "Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "` + group + `:*"}`
	traces := `{"Sid": "WriteTraces", "Effect": "Allow", "Action": ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "Resource": "*"}`
	for _, c := range []struct {
		traces bool
		want   string
	}{
		{false, `{"Version": "2012-10-17", "Statement": [` + logs + `]}`},
		{true, `{"Version": "2012-10-17", "Statement": [` + logs + `,` + traces + `]}`},
	} {
		document, err := telemetryDocument(group, c.traces)
		if err != nil {
			t.Fatal(err)
		}
		expectDocument(t, "telemetry policy", document, c.want)
	}
}

// AWS hands single values back as scalars and several sorted; anything else would be drift on every refresh.
func TestValues(t *testing.T) {
	for _, c := range []struct {
		in   []string
		want string
	}{
		{[]string{"s3:GetObject"}, `"s3:GetObject"`},
		{[]string{"s3:PutObject", "s3:GetObject"}, `["s3:GetObject","s3:PutObject"]`},
	} {
		before := slices.Clone(c.in)
		if got := show(values(c.in...)); got != c.want {
			t.Errorf("values(%q) is %s, want %s", c.in, got, c.want)
		}
		expectEqual(t, "the argument", c.in, before)
	}
}
