package trail

import (
	"fmt"
	"reflect"
	"testing"
)

// recordOf is a record with more members than every one has.
func recordOf(t *testing.T, members string) *Record {
	t.Helper()
	var record Record
	text := `{"eventTime":"2026-08-01T00:00:01Z","eventType":"AwsApiCall","awsRegion":"us-east-1",` + members + `}`
	if err := decode([]byte(text), &record); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return &record
}

func TestAccesses(t *testing.T) {
	const object, bucket = "arn:aws:s3:::b/in/k", "arn:aws:s3:::b"
	on := func(pairs ...string) (all []Access) {
		for i := 0; i < len(pairs); i += 2 {
			all = append(all, Access{Action: pairs[i], Resource: pairs[i+1]})
		}
		return all
	}
	for name, test := range map[string]struct {
		call, parameters string
		want             []Access
	}{
		"get":                     {"GetObject", "", on("s3:GetObject", object)},
		"get a version":           {"GetObject", `,"versionId":"v"`, on("s3:GetObjectVersion", object)},
		"head":                    {"HeadObject", "", on("s3:GetObject", object)},
		"put":                     {"PutObject", "", on("s3:PutObject", object)},
		"put with tags":           {"PutObject", `,"x-amz-tagging":"a=b","x-amz-acl":"private"`, on("s3:PutObject", object, "s3:PutObjectAcl", object, "s3:PutObjectTagging", object)},
		"put with a lock":         {"PutObject", `,"x-amz-object-lock-mode":"GOVERNANCE","x-amz-object-lock-legal-hold":"ON"`, on("s3:PutObject", object, "s3:PutObjectRetention", object, "s3:PutObjectLegalHold", object)},
		"a part":                  {"UploadPart", "", on("s3:PutObject", object)},
		"the parts":               {"ListParts", "", on("s3:ListMultipartUploadParts", object)},
		"delete":                  {"DeleteObject", "", on("s3:DeleteObject", object)},
		"delete a version":        {"DeleteObject", `,"versionId":["v"]`, on("s3:DeleteObjectVersion", object)},
		"delete several":          {"DeleteObjects", "", []Access{{"s3:DeleteObject", bucket + "/", true}}},
		"copy":                    {"CopyObject", `,"x-amz-copy-source":"/from/a%20b"`, on("s3:PutObject", object, "s3:GetObject", "arn:aws:s3:::from/a b")},
		"copy a version":          {"CopyObject", `,"x-amz-copy-source":"from/k?versionId=v"`, on("s3:PutObject", object, "s3:GetObjectVersion", "arn:aws:s3:::from/k")},
		"copy from somewhere":     {"UploadPartCopy", "", on("s3:PutObject", object, "s3:GetObject", "")},
		"attributes":              {"GetObjectAttributes", "", on("s3:GetObjectAttributes", object, "s3:GetObject", object)},
		"attributes of a version": {"GetObjectAttributes", `,"versionId":"v"`, on("s3:GetObjectVersionAttributes", object, "s3:GetObjectVersion", object)},
		"list":                    {"ListObjects", "", on("s3:ListBucket", bucket)},
		"list, the new way":       {"ListObjectsV2", "", on("s3:ListBucket", bucket)},
		"head of a bucket":        {"HeadBucket", "", on("s3:ListBucket", bucket)},
		"encryption":              {"GetBucketEncryption", "", on("s3:GetEncryptionConfiguration", bucket)},
		"no more encryption":      {"DeleteBucketEncryption", "", on("s3:PutEncryptionConfiguration", bucket)},
		"a bucket's policy":       {"PutBucketPolicy", "", on("s3:PutBucketPolicy", bucket)},
	} {
		t.Run(name, func(t *testing.T) {
			record := recordOf(t, fmt.Sprintf(`"eventSource":"s3.amazonaws.com","eventName":%q,"requestParameters":{"bucketName":"b","key":"in/k"%s}`,
				test.call, test.parameters))
			if got := record.Accesses(); !reflect.DeepEqual(got, test.want) {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
	for name, test := range map[string]struct {
		members string
		want    []Access
	}{
		"no bucket":         {`"eventSource":"s3.amazonaws.com","eventName":"ListBuckets","requestParameters":null`, on("s3:ListAllMyBuckets", "")},
		"no bucket told":    {`"eventSource":"s3.amazonaws.com","eventName":"GetObject"`, on("s3:GetObject", "")},
		"another partition": {`"eventSource":"s3.amazonaws.com","eventName":"HeadBucket","awsRegion":"cn-north-1","requestParameters":{"bucketName":"b"}`, on("s3:ListBucket", "arn:aws-cn:s3:::b")},
		"a key":             {`"eventSource":"kms.amazonaws.com","eventName":"Decrypt","resources":[{"ARN":"arn:aws:kms:us-east-1:1:key/k"}]`, on("kms:Decrypt", "arn:aws:kms:us-east-1:1:key/k")},
		"two keys":          {`"eventSource":"kms.amazonaws.com","eventName":"ReEncrypt","resources":null`, on("kms:ReEncryptFrom", "", "kms:ReEncryptTo", "")},
		"a function":        {`"eventSource":"lambda.amazonaws.com","eventName":"Invoke","resources":[{"ARN":"f"}]`, on("lambda:InvokeFunction", "f")},
		"an old function":   {`"eventSource":"lambda.amazonaws.com","eventName":"GetFunction20150331v2"`, on("lambda:GetFunction", "")},
		"a queue":           {`"eventSource":"sqs.amazonaws.com","eventName":"SendMessageBatch","requestParameters":{"queueUrl":"https://sqs.us-east-1.amazonaws.com/123456789012/q"}`, on("sqs:SendMessage", "arn:aws:sqs:us-east-1:123456789012:q")},
		"a metric":          {`"eventSource":"monitoring.amazonaws.com","eventName":"PutMetricAlarm"`, on("cloudwatch:PutMetricAlarm", "")},
		"a table":           {`"eventSource":"dynamodb.amazonaws.com","eventName":"GetItem","requestParameters":{"key":{"id":1}}`, on("dynamodb:GetItem", "")},
		"a sign-in":         {`"eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","eventType":"AwsConsoleSignIn"`, nil},
		"an insight":        {`"eventSource":"s3.amazonaws.com","eventName":"GetObject","eventCategory":"Insight"`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := recordOf(t, test.members).Accesses(); !reflect.DeepEqual(got, test.want) {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

func TestPrincipal(t *testing.T) {
	for name, test := range map[string]struct{ identity, principal, id string }{
		"a session": {`{"type":"AssumedRole","principalId":"AROAX:s","arn":"arn:aws:sts::123456789012:assumed-role/R/s","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::123456789012:role/app/R"}}}`,
			"arn:aws:iam::123456789012:role/app/R", "AROAX"},
		"a session without an issuer": {`{"type":"AssumedRole","arn":"arn:aws:sts::123456789012:assumed-role/R/s"}`, "arn:aws:iam::123456789012:role/R", ""},
		"a session without an ARN":    {`{"type":"AssumedRole","principalId":"AROAX:s"}`, "", "AROAX"},
		"a user":                      {`{"type":"IAMUser","principalId":"AIDAX","arn":"arn:aws:iam::123456789012:user/u"}`, "arn:aws:iam::123456789012:user/u", "AIDAX"},
		"a service":                   {`{"type":"AWSService","invokedBy":"lambda.amazonaws.com"}`, "lambda.amazonaws.com", ""},
		"another account":             {`{"type":"AWSAccount","principalId":"AROAX:s","accountId":"123456789012"}`, "", "AROAX"},
	} {
		t.Run(name, func(t *testing.T) {
			identity := recordOf(t, `"eventSource":"s","eventName":"n","userIdentity":`+test.identity).Identity
			if identity.Principal() != test.principal || identity.UniqueID() != test.id {
				t.Errorf("%q and %q, want %q and %q", identity.Principal(), identity.UniqueID(), test.principal, test.id)
			}
		})
	}
}

func TestOutcome(t *testing.T) {
	for code, want := range map[string]Outcome{
		"": Granted, "NoSuchKey": Granted, "PreconditionFailed": Granted, "AccessDenied": Denied, "AccessDeniedException": Denied,
		"Client.UnauthorizedOperation": Denied, "NoSuchBucket": Failed, "ThrottlingException": Failed, "ExpiredToken": Failed,
	} {
		if got := recordOf(t, `"eventSource":"s","eventName":"n","errorCode":"`+code+`"`).Outcome(); got != want {
			t.Errorf("%q: %v, want %v", code, got, want)
		}
	}
}

func TestRefusal(t *testing.T) {
	const who = "User: arn:aws:sts::123456789012:assumed-role/R/s is not authorized to perform: "
	for message, want := range map[string][3]string{
		"Access Denied": {},
		who + `s3:GetObject on resource: "arn:aws:s3:::b/a b" because no resource-based policy allows the s3:GetObject action`: {
			"s3:GetObject", "arn:aws:s3:::b/a b", "no resource-based policy allows the s3:GetObject action"},
		who + `kms:Decrypt on resource: arn:aws:kms:us-east-1:987654321098:key/k with an explicit deny in a resource-based policy`: {
			"kms:Decrypt", "arn:aws:kms:us-east-1:987654321098:key/k", "explicit deny in a resource-based policy"},
		who + `s3:ListAllMyBuckets because no identity-based policy allows the s3:ListAllMyBuckets action`: {
			"s3:ListAllMyBuckets", "", "no identity-based policy allows the s3:ListAllMyBuckets action"},
	} {
		record := &Record{ErrorMessage: message}
		if refused, because := record.Refusal(); refused.Action != want[0] || refused.Resource != want[1] || because != want[2] {
			t.Errorf("%s: %+v because %q", message, refused, because)
		}
	}
}

func TestPlain(t *testing.T) {
	for name, test := range map[string]struct {
		members string
		want    bool
	}{
		"https":       {`"additionalEventData":{"SignatureVersion":"SigV4","CipherSuite":"TLS"}`, false},
		"TLS details": {`"additionalEventData":{"SignatureVersion":"SigV4"},"tlsDetails":{"tlsVersion":"TLSv1.3"}`, false},
		"http":        {`"additionalEventData":{"SignatureVersion":"SigV4"}`, true},
		"not told":    {`"additionalEventData":null`, false},
	} {
		if got := recordOf(t, `"eventSource":"s","eventName":"n",`+test.members).Plain(); got != test.want {
			t.Errorf("%s: %t, want %t", name, got, test.want)
		}
	}
}

func TestText(t *testing.T) {
	for value, want := range map[string]string{
		`"a"`: "a", `"a\u0062\"c"`: `ab"c`, `["x","y"]`: "x", `[ "x" ]`: "x", `[1]`: "", `[]`: "", `{"a":1}`: "", `null`: "", `1`: "",
	} {
		record := recordOf(t, `"eventSource":"s","eventName":"n","requestParameters":{"prefix":`+value+`}`)
		if string(record.Request.Prefix) != want {
			t.Errorf("%s: %q, want %q", value, record.Request.Prefix, want)
		}
	}
}
