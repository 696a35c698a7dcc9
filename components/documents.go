package components

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/micahhausler/aws-iam-policy/policy"
)

// Permission is one thing the function may do with the objects of the bucket.
type Permission string

// The permissions a setting can name.
const (
	Read   Permission = "read"
	Write  Permission = "write"
	Delete Permission = "delete"
	List   Permission = "list"
)

// objectActions holds the one action each permission on objects needs, and no more: GetObject also covers HeadObject and
// presigned downloads, and CopyObject is GetObject on the source with PutObject on the target. Left out on purpose are
// versions (what was overwritten or deleted stays the data account's to restore), tags and ACLs, and AbortMultipartUpload: the
// handler puts every object in a single request.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
var objectActions = map[Permission]string{
	Read:   "s3:GetObject",
	Write:  "s3:PutObject",
	Delete: "s3:DeleteObject",
}

// Access is what the one role may do with the one bucket. Both halves, the identity policy in the compute account and the bucket
// policy in the data account, are made from it, so they cannot disagree.
type Access struct {
	// Partition is the first part of every ARN: aws, aws-cn, aws-us-gov.
	Partition string
	// BucketName is the bucket in the data account.
	BucketName string
	// Prefix is what every key begins with, ending in a slash; empty is the whole bucket.
	Prefix string
	// Permissions are what is allowed; at least one.
	Permissions []Permission
	// Conditions are what every request has to meet besides.
	Conditions Conditions
	// Key encrypts the bucket; nil where that is left to S3's own keys.
	Key *BucketKey
}

// BucketARN is the ARN of the bucket itself, which ListBucket is asked on.
func (a Access) BucketARN() string { return fmt.Sprintf("arn:%s:s3:::%s", a.Partition, a.BucketName) }

// place is what access is granted to: a bucket, or an access point.
type place struct {
	// arn is what is listed, objects what the ARN of every object begins with.
	arn, objects string
}

// bucket is the bucket itself.
func (a Access) bucket() place { return place{arn: a.BucketARN(), objects: a.BucketARN() + "/"} }

// grants are the statements that allow the access. The identity policy has them without a principal.
func (a Access) grants(principal *policy.Principal) []policy.Statement {
	var prefixes []string
	if a.Prefix != "" {
		prefixes = []string{a.Prefix}
	}
	return grants(a.bucket(), a.Permissions, prefixes, principal, "")
}

// The Sids of grants, which more can stand behind.
const (
	useSid  = "UseObjects"
	listSid = "ListObjects"
)

// grants are the statements that allow something in the folders of a place, or in all of it where there are none: object actions on
// the objects, listing on the place itself.
func grants(to place, permissions []Permission, prefixes []string, principal *policy.Principal, sid string) []policy.Statement {
	var grants []policy.Statement
	var actions []string
	for permission, action := range objectActions {
		if slices.Contains(permissions, permission) {
			actions = append(actions, action)
		}
	}
	// The star also stands for nothing, so the folder itself can be listed; a listing that names no prefix, or one outside the folder,
	// does not match.
	var objects, within []string
	for _, prefix := range prefixes {
		objects = append(objects, to.objects+prefix+"*")
		within = append(within, prefix+"*")
	}
	if len(prefixes) == 0 {
		objects = []string{to.objects + "*"}
	}
	if len(actions) > 0 {
		grants = append(grants, policy.Statement{
			Sid:       useSid + sid,
			Effect:    policy.EffectAllow,
			Principal: principal,
			Action:    values(actions...),
			Resource:  values(objects...),
		})
	}
	if slices.Contains(permissions, List) {
		list := policy.Statement{
			Sid:       listSid + sid,
			Effect:    policy.EffectAllow,
			Principal: principal,
			Action:    values("s3:ListBucket"),
			Resource:  values(to.arn),
		}
		if len(within) > 0 {
			list.Condition = condition("StringLike", "s3:prefix", within...)
		}
		grants = append(grants, list)
	}
	return grants
}

// identityDocument is the half in the compute account: what the role may do with the bucket, and with the key behind it.
func (a Access) identityDocument() (string, error) {
	return render(append(a.grants(nil), a.keyGrants()...))
}

// bucketDocument is the half in the data account: the grants to the role and to the consumers, and what nobody may do, the owner
// included. Without TLS a request has no TLS version, so the two denials do not stand in for each other.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
func (a Access) bucketDocument(roleARN string, consumers Consumers) (string, error) {
	return renderAs(consumers.id(), slices.Concat(a.grants(policy.NewAWSPrincipal(roleARN)), consumers.grants(a),
		a.encryptionDenials(), a.Conditions.denials(a.BucketARN()), transportDenials(a.BucketARN(), a.Conditions.MinimumTLSVersion)))
}

// transportDenials are what nobody may do with a bucket, its owner included. The oldest version of TLS is 1.2 where it is empty.
func transportDenials(bucketARN, minimumTLSVersion string) []policy.Statement {
	everything := values(bucketARN, bucketARN+"/*")
	return []policy.Statement{
		{
			Sid:       "DenyPlainHTTP",
			Effect:    policy.EffectDeny,
			Principal: policy.NewGlobalPrincipal(),
			Action:    values("s3:*"),
			Resource:  everything,
			Condition: condition("Bool", "aws:SecureTransport", "false"),
		},
		{
			Sid:       "DenyOldTLS",
			Effect:    policy.EffectDeny,
			Principal: policy.NewGlobalPrincipal(),
			Action:    values("s3:*"),
			Resource:  everything,
			Condition: condition("NumericLessThan", "s3:TlsVersion", cmp.Or(minimumTLSVersion, "1.2")),
		},
	}
}

// trustDocument lets Lambda, and nobody else, run code as the role. AWS documents it without source conditions.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html
func trustDocument() (string, error) {
	return render([]policy.Statement{{
		Sid:       "RunFunctions",
		Effect:    policy.EffectAllow,
		Principal: policy.NewServicePrincipal("lambda.amazonaws.com"),
		Action:    values("sts:AssumeRole"),
	}})
}

// telemetryDocument lets the function write to its own log group, which is made beside it, so that creating groups is not needed.
// X-Ray's two write actions have no resource to name, so they are granted only where tracing asks for them.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsx-ray.html
func telemetryDocument(logGroupARN string, traces bool) (string, error) {
	statements := []policy.Statement{{
		Sid:      "WriteLogs",
		Effect:   policy.EffectAllow,
		Action:   values("logs:CreateLogStream", "logs:PutLogEvents"),
		Resource: values(logGroupARN + ":*"),
	}}
	if traces {
		statements = append(statements, policy.Statement{
			Sid:      "WriteTraces",
			Effect:   policy.EffectAllow,
			Action:   values("xray:PutTelemetryRecords", "xray:PutTraceSegments"),
			Resource: values("*"),
		})
	}
	return render(statements)
}

// render is the one way from statements to the text of a policy.
func render(statements []policy.Statement) (string, error) { return renderAs("", statements) }

// renderAs is render for a policy with an Id, which decides nothing; empty is none.
func renderAs(id string, statements []policy.Statement) (string, error) {
	document, err := json.Marshal(policy.Policy{
		Id:         id,
		Version:    policy.VersionLatest,
		Statements: policy.NewStatementOrSlice(statements...),
	})
	if err != nil {
		return "", fmt.Errorf("writing a policy document: %w", err)
	}
	return string(document), nil
}

// values is one value as a scalar and several as a sorted array, which is how AWS hands a stored policy back: anything else would
// show as drift on every refresh.
func values(several ...string) *policy.StringOrSlice {
	return policy.NewStringOrSlice(true, slices.Sorted(slices.Values(several))...)
}

// condition is a condition of one operator and one key, with any of the values.
func condition(operator, key string, several ...string) map[string]map[string]*policy.ConditionValue {
	return map[string]map[string]*policy.ConditionValue{operator: {key: conditionValues(several...)}}
}

// conditionValues are values of a condition, as values has them. The library would write only the first of several that it is told are one.
func conditionValues(several ...string) *policy.ConditionValue {
	return policy.NewConditionValueString(len(several) == 1, slices.Sorted(slices.Values(several))...)
}
