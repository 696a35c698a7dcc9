package account

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cross-account-s3/policy"
)

const (
	compute = "123456789012"
	data    = "987654321098"

	trustsLambda = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}}`
	trustsNobody = `{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}}`
	readsObjects = `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shared/*"}}`
)

var engine = sync.OnceValues(func() (*policy.Engine, error) { return policy.New(context.Background()) })

func newWorld(t *testing.T) *World {
	t.Helper()
	decider, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	return New(decider, compute, data)
}

// grants is a bucket policy that lets a principal read.
func grants(principal string) string {
	return `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ["` + principal + `"]}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::shared/*"}]}`
}

func must[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func expectCode(t *testing.T, what string, err error, want string) {
	t.Helper()
	var refusal *Error
	switch {
	case want == "" && err == nil:
	case want == "":
		t.Errorf("%s: %v", what, err)
	case !errors.As(err, &refusal) || refusal.Code != want:
		t.Errorf("%s: %v, want %s", what, err, want)
	}
}

func makeRole(t *testing.T, w *World, name string) Role {
	t.Helper()
	return must(w.CreateRole(Role{Account: compute, Name: name, TrustPolicy: trustsLambda}))(t)
}

func makeBucket(t *testing.T, w *World) Bucket {
	t.Helper()
	return must(w.CreateBucket(t.Context(), Bucket{Account: data, Region: "us-east-1", Name: "shared"}))(t)
}

func TestCreateRole(t *testing.T) {
	for _, c := range []struct {
		name string
		role Role
		want string
	}{
		{"plain", Role{Account: compute, Name: "R", TrustPolicy: trustsLambda}, ""},
		{"with a path", Role{Account: compute, Name: "R", Path: "/service/", TrustPolicy: trustsLambda}, ""},
		{"of another account, same name", Role{Account: data, Name: "Taken", TrustPolicy: trustsLambda}, ""},
		{"of no account", Role{Account: "111122223333", Name: "R", TrustPolicy: trustsLambda}, "InvalidClientTokenId"},
		{"same name", Role{Account: compute, Name: "Taken", TrustPolicy: trustsLambda}, "EntityAlreadyExists"},
		{"same name in other letters", Role{Account: compute, Name: "taKen", TrustPolicy: trustsLambda}, "EntityAlreadyExists"},
		{"same name on another path", Role{Account: compute, Name: "Taken", Path: "/x/", TrustPolicy: trustsLambda}, "EntityAlreadyExists"},
		{"name with a space", Role{Account: compute, Name: "a b", TrustPolicy: trustsLambda}, "ValidationError"},
		{"name too long", Role{Account: compute, Name: strings.Repeat("r", 65), TrustPolicy: trustsLambda}, "ValidationError"},
		{"path without a slash", Role{Account: compute, Name: "R", Path: "service", TrustPolicy: trustsLambda}, "ValidationError"},
		{"no trust policy", Role{Account: compute, Name: "R"}, "MalformedPolicyDocument"},
		{"trust policy of another kind", Role{Account: compute, Name: "R", TrustPolicy: readsObjects}, "MalformedPolicyDocument"},
		{"trust in a role that does not exist", Role{Account: compute, Name: "R", TrustPolicy: strings.Replace(trustsLambda, `{"Service": "lambda.amazonaws.com"}`,
			`{"AWS": "arn:aws:iam::123456789012:role/Nobody"}`, 1)}, "MalformedPolicyDocument"},
		{"trust policy too long", Role{Account: compute, Name: "R", TrustPolicy: trustsLambda + strings.Repeat(" ", 4096)}, "LimitExceeded"},
	} {
		w := newWorld(t)
		makeRole(t, w, "Taken")
		role, err := w.CreateRole(c.role)
		expectCode(t, c.name, err, c.want)
		if err != nil {
			continue
		}
		if !strings.HasPrefix(role.UniqueID, "AROA") || len(role.UniqueID) != 21 {
			t.Errorf("%s: unique id %s", c.name, role.UniqueID)
		}
		path := c.role.Path
		if path == "" {
			path = "/"
		}
		if want := "arn:aws:iam::" + c.role.Account + ":role" + path + c.role.Name; role.ARN != want || role.MaxSessionDuration != 3600 {
			t.Errorf("%s: %+v, want ARN %s and 3600 s", c.name, role, want)
		}
	}
}

func TestUpdateRole(t *testing.T) {
	w := newWorld(t)
	role := makeRole(t, w, "R")
	role.Description, role.TrustPolicy = "new", trustsNobody
	expectCode(t, "update", w.UpdateRole(role), "")
	stored := must(w.Role(role.ARN))(t)
	if stored.Description != "new" || stored.TrustPolicy != trustsNobody || stored.UniqueID != role.UniqueID {
		t.Errorf("%+v", stored)
	}
	role.TrustPolicy = "{}"
	expectCode(t, "malformed", w.UpdateRole(role), "MalformedPolicyDocument")
	expectCode(t, "missing", w.UpdateRole(Role{ARN: "arn:aws:iam::123456789012:role/Nobody"}), "NoSuchEntity")
}

func TestRolePolicies(t *testing.T) {
	w := newWorld(t)
	arn := makeRole(t, w, "R").ARN
	const missing = "arn:aws:iam::123456789012:role/Nobody"
	expectCode(t, "no such role", w.PutRolePolicy(missing, "p", readsObjects), "NoSuchEntity")
	expectCode(t, "malformed", w.PutRolePolicy(arn, "p", grants("*")), "MalformedPolicyDocument")
	expectCode(t, "too long", w.PutRolePolicy(arn, "p", readsObjects+strings.Repeat(" ", 10240)), "LimitExceeded")
	expectCode(t, "put", w.PutRolePolicy(arn, "p", readsObjects), "")
	expectCode(t, "put again", w.PutRolePolicy(arn, "p", readsObjects+strings.Repeat(" ", 9000)), "")
	expectCode(t, "too long together", w.PutRolePolicy(arn, "q", readsObjects+strings.Repeat(" ", 2000)), "LimitExceeded")
	expectCode(t, "role with policies", w.DeleteRole(arn), "DeleteConflict")
	expectCode(t, "other policy", w.DeleteRolePolicy(arn, "q"), "NoSuchEntity")
	expectCode(t, "of no role", w.DeleteRolePolicy(missing, "p"), "NoSuchEntity")
	expectCode(t, "delete policy", w.DeleteRolePolicy(arn, "p"), "")
	expectCode(t, "delete role", w.DeleteRole(arn), "")
	expectCode(t, "delete it again", w.DeleteRole(arn), "NoSuchEntity")
}

func TestPutBucketPolicy(t *testing.T) {
	for _, c := range []struct {
		name, document, want string
	}{
		{"a role", grants("arn:aws:iam::123456789012:role/R"), ""},
		{"a role with its path", grants("arn:aws:iam::123456789012:role/service/P"), ""},
		{"a role without its path", grants("arn:aws:iam::123456789012:role/P"), "MalformedPolicy: Invalid principal in policy"},
		{"everyone", grants("*"), ""},
		{"an account", grants("123456789012"), ""},
		{"an account's root", grants("arn:aws:iam::123456789012:root"), ""},
		{"a session", grants("arn:aws:sts::123456789012:assumed-role/R/x"), ""},
		{"a role that does not exist", grants("arn:aws:iam::123456789012:role/Nobody"), "MalformedPolicy: Invalid principal in policy"},
		{"a role in other letters", grants("arn:aws:iam::123456789012:role/r"), "MalformedPolicy: Invalid principal in policy"},
		{"an account that does not exist", grants("arn:aws:iam::111122223333:root"), "MalformedPolicy: Invalid principal in policy"},
		{"another partition", grants("arn:aws-cn:iam::123456789012:root"), "MalformedPolicy: Invalid principal in policy"},
		{"an id that was never given", grants("AROAABCDEFGHIJKLMNOPQ"), "MalformedPolicy: Invalid principal in policy"},
		{"no ARN", grants("somebody"), "MalformedPolicy"},
		{"no principal", readsObjects, "MalformedPolicy"},
		{"another bucket", strings.Replace(grants("*"), ":::shared", ":::other", 1), "MalformedPolicy: Policy has invalid resource"},
		{"a longer bucket name", strings.Replace(grants("*"), ":::shared", ":::shared2", 1), "MalformedPolicy: Policy has invalid resource"},
		{"no JSON", "{", "MalformedPolicy"},
		{"20 KB", grants("*") + strings.Repeat(" ", 20<<10), "MalformedPolicy"},
	} {
		w := newWorld(t)
		makeBucket(t, w)
		makeRole(t, w, "R")
		must(w.CreateRole(Role{Account: compute, Name: "P", Path: "/service/", TrustPolicy: trustsLambda}))(t)
		err := w.PutBucketPolicy("shared", c.document)
		stored, readErr := w.BucketPolicy("shared")
		if c.want == "" {
			if err != nil || stored != c.document {
				t.Errorf("%s: %v, stored %s", c.name, err, stored)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
		expectCode(t, c.name, readErr, "NoSuchBucketPolicy")
	}
}

// decides says who may read the object shared/k.
func decides(t *testing.T, w *World, key *Key) policy.Decision {
	t.Helper()
	_, result, err := w.Authorize(t.Context(), key, "s3:GetObject", "arn:aws:s3:::shared/k", map[string]any{"aws:SecureTransport": "true"})
	if err != nil {
		t.Fatal(err)
	}
	return result.Decision
}

func TestAuthorizeNeedsBothHalves(t *testing.T) {
	w := newWorld(t)
	makeBucket(t, w)
	role := makeRole(t, w, "R")
	key := must(w.AssumeRole(role.ARN, "f"))(t)
	expect := func(when string, want policy.Decision) {
		t.Helper()
		if got := decides(t, w, &key); got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	expect("neither half", policy.ImplicitlyDenied)
	expectCode(t, "bucket policy", w.PutBucketPolicy("shared", grants(role.ARN)), "")
	expect("the bucket's half", policy.ImplicitlyDenied)
	expectCode(t, "identity policy", w.PutRolePolicy(role.ARN, "read", readsObjects), "")
	expect("both halves", policy.Allowed)
	if got := decides(t, w, nil); got != policy.ImplicitlyDenied {
		t.Errorf("anonymous: %s", got)
	}
	expectCode(t, "no bucket policy", w.DeleteBucketPolicy("shared"), "")
	expect("the role's half", policy.ImplicitlyDenied)
}

// A role that is made again has the old ARN but is not the one that the bucket policy means.
func TestRecreatedRole(t *testing.T) {
	w := newWorld(t)
	makeBucket(t, w)
	recreate := func() (Role, Key) {
		role := makeRole(t, w, "R")
		expectCode(t, "identity policy", w.PutRolePolicy(role.ARN, "read", readsObjects), "")
		return role, must(w.AssumeRole(role.ARN, "f"))(t)
	}
	first, firstKey := recreate()
	expectCode(t, "bucket policy", w.PutBucketPolicy("shared", grants(first.ARN)), "")
	if got := decides(t, w, &firstKey); got != policy.Allowed {
		t.Fatalf("before: %s", got)
	}
	expectCode(t, "delete policy", w.DeleteRolePolicy(first.ARN, "read"), "")
	expectCode(t, "delete role", w.DeleteRole(first.ARN), "")

	second, secondKey := recreate()
	if second.ARN != first.ARN || second.UniqueID == first.UniqueID {
		t.Fatalf("%s %s after %s %s", second.ARN, second.UniqueID, first.ARN, first.UniqueID)
	}
	for name, key := range map[string]*Key{"the new role": &secondKey, "a session of the old role": &firstKey} {
		if got := decides(t, w, key); got != policy.ImplicitlyDenied {
			t.Errorf("%s: %s", name, got)
		}
	}
	shown := must(w.BucketPolicy("shared"))(t)
	if !strings.Contains(shown, first.UniqueID) || strings.Contains(shown, first.ARN) {
		t.Errorf("the policy shows %s, want %s in the place of the role", shown, first.UniqueID)
	}
	expectCode(t, "the same policy again", w.PutBucketPolicy("shared", grants(second.ARN)), "")
	if got := decides(t, w, &secondKey); got != policy.Allowed {
		t.Errorf("after the policy was put again: %s", got)
	}
}

func TestMayAssume(t *testing.T) {
	w := newWorld(t)
	trusting := makeRole(t, w, "R")
	distrusting := must(w.CreateRole(Role{Account: compute, Name: "N", TrustPolicy: trustsNobody}))(t)
	for arn, want := range map[string]policy.Decision{trusting.ARN: policy.Allowed, distrusting.ARN: policy.ExplicitlyDenied} {
		result, err := w.MayAssume(t.Context(), "lambda.amazonaws.com", arn)
		if err != nil || result.Decision != want {
			t.Errorf("%s: %s %v, want %s", arn, result.Decision, err, want)
		}
	}
}

func TestBuckets(t *testing.T) {
	w := newWorld(t)
	bucket := makeBucket(t, w)
	for name, c := range map[string]struct {
		bucket Bucket
		want   string
	}{
		"own":              {Bucket{Account: data, Name: "shared"}, "BucketAlreadyOwnedByYou"},
		"another's":        {Bucket{Account: compute, Name: "shared"}, "BucketAlreadyExists"},
		"in capitals":      {Bucket{Account: data, Name: "Shared"}, "InvalidBucketName"},
		"of no account":    {Bucket{Account: "111122223333", Name: "other"}, "InvalidAccessKeyId"},
		"a second, please": {Bucket{Account: data, Name: "other"}, ""},
	} {
		_, err := w.CreateBucket(t.Context(), c.bucket)
		expectCode(t, name, err, c.want)
	}
	if bucket.Configurations[PublicAccessBlock]["restrictPublicBuckets"] != true ||
		bucket.Configurations[OwnershipControls]["objectOwnership"] != "BucketOwnerEnforced" ||
		bucket.Configurations[ServerSideEncryption]["sseAlgorithm"] != "AES256" {
		t.Errorf("defaults of a new bucket: %v", bucket.Configurations)
	}
	expectCode(t, "no versioning yet", w.Configure("shared", Versioning, map[string]any{"status": "Enabled"}), "")
	expectCode(t, "no encryption", w.Configure("shared", ServerSideEncryption, nil), "")
	expectCode(t, "no block", w.Configure("shared", PublicAccessBlock, nil), "")
	stored := must(w.Bucket("shared"))(t)
	if want := []string{OwnershipControls, ServerSideEncryption, Versioning}; !slices.Equal(slices.Sorted(maps.Keys(stored.Configurations)), want) {
		t.Errorf("configurations %v, want %v", stored.Configurations, want)
	}
	if names := w.Buckets(data); len(names) != 2 {
		t.Errorf("buckets %v", names)
	}
}

// S3 counts versions and delete markers as well when it looks whether a bucket is empty.
func TestDeleteBucket(t *testing.T) {
	w := newWorld(t)
	makeBucket(t, w)
	expectCode(t, "versioning", w.Configure("shared", Versioning, map[string]any{"status": "Enabled"}), "")
	for range 2 {
		must(w.Objects().PutObject(t.Context(), "shared", "k", nil, strings.NewReader("text"), 4))(t)
	}
	expectCode(t, "with an object", w.DeleteBucket(t.Context(), "shared"), "BucketNotEmpty")
	must(w.Objects().DeleteObject(t.Context(), "shared", "k"))(t)
	expectCode(t, "with a delete marker", w.DeleteBucket(t.Context(), "shared"), "BucketNotEmpty")
	expectCode(t, "empty", w.EmptyBucket(t.Context(), "shared"), "")
	expectCode(t, "emptied", w.DeleteBucket(t.Context(), "shared"), "")
	expectCode(t, "gone", w.DeleteBucket(t.Context(), "shared"), "NoSuchBucket")
	_, err := w.Bucket("shared")
	expectCode(t, "read", err, "NoSuchBucket")
}

func TestFunctions(t *testing.T) {
	w := newWorld(t)
	role := makeRole(t, w, "R")
	distrusting := must(w.CreateRole(Role{Account: compute, Name: "N", TrustPolicy: trustsNobody}))(t)
	foreign := must(w.CreateRole(Role{Account: data, Name: "R", TrustPolicy: trustsLambda}))(t)
	good := Function{Account: compute, Region: "us-east-1", Name: "f", Role: role.ARN, MemorySize: 128, Timeout: time.Second, Code: []byte("zip")}
	with := func(change func(*Function)) Function {
		changed := good
		change(&changed)
		return changed
	}
	for name, c := range map[string]struct {
		function Function
		want     string
	}{
		"good":                   {with(func(f *Function) { f.Name = "other" }), ""},
		"taken":                  {good, "ResourceConflictException"},
		"bad name":               {with(func(f *Function) { f.Name = "a b" }), "ValidationException"},
		"little memory":          {with(func(f *Function) { f.MemorySize = 127 }), "ValidationException"},
		"long timeout":           {with(func(f *Function) { f.Timeout = 901 * time.Second }), "ValidationException"},
		"no code":                {with(func(f *Function) { f.Code = nil }), "InvalidParameterValueException"},
		"role without trust":     {with(func(f *Function) { f.Role = distrusting.ARN }), "InvalidParameterValueException"},
		"role that is missing":   {with(func(f *Function) { f.Role += "2" }), "InvalidParameterValueException"},
		"role of another owner":  {with(func(f *Function) { f.Role = foreign.ARN }), "AccessDeniedException"},
		"account that is no one": {with(func(f *Function) { f.Account = "111122223333" }), "UnrecognizedClientException"},
	} {
		w := newWorld(t)
		w.roles = map[string]*Role{role.ARN: &role, distrusting.ARN: &distrusting, foreign.ARN: &foreign}
		must(w.CreateFunction(t.Context(), good))(t)
		_, err := w.CreateFunction(t.Context(), c.function)
		expectCode(t, name, err, c.want)
	}

	must(w.CreateFunction(t.Context(), good))(t)
	must(w.UpdateFunction(t.Context(), with(func(f *Function) { f.Code = []byte("new") })))(t)
	stored := must(w.Function(good.ARN() + ":$LATEST"))(t)
	if string(stored.Code) != "new" || stored.CodeSHA256() != "EVB6Di9eadXfpApiob17buV+a82FxnybhDGzb/8hxDc=" {
		t.Errorf("after the update: %s, hash %s", stored.Code, stored.CodeSHA256())
	}
	expectCode(t, "delete", w.DeleteFunction(good.ARN()), "")
	expectCode(t, "delete again", w.DeleteFunction(good.ARN()), "ResourceNotFoundException")
	_, err := w.UpdateFunction(t.Context(), good)
	expectCode(t, "update", err, "ResourceNotFoundException")
}

func TestLogGroups(t *testing.T) {
	w := newWorld(t)
	group := LogGroup{Account: compute, Region: "us-east-1", Name: "/aws/lambda/f", RetentionInDays: 30}
	expectCode(t, "change what is missing", w.PutLogGroup(group, false), "ResourceNotFoundException")
	expectCode(t, "make", w.PutLogGroup(group, true), "")
	expectCode(t, "make again", w.PutLogGroup(group, true), "ResourceAlreadyExistsException")
	w.Log(Function{Account: compute, Region: "us-east-1", Name: "f"}, "one")
	group.RetentionInDays = 2
	expectCode(t, "2 days", w.PutLogGroup(group, false), "InvalidParameterException")
	group.RetentionInDays = 7
	expectCode(t, "7 days", w.PutLogGroup(group, false), "")
	w.Log(Function{Account: compute, Region: "us-east-1", Name: "f", LogGroup: "/aws/lambda/f"}, "two")
	if lines := w.LogLines(group.ARN()); !slices.Equal(lines, []string{"one", "two"}) {
		t.Errorf("lines %q", lines)
	}
	if stored := must(w.LogGroup(group.ARN()))(t); stored.RetentionInDays != 7 {
		t.Errorf("%+v", stored)
	}
	expectCode(t, "delete", w.DeleteLogGroup(group.ARN()), "")
	expectCode(t, "delete again", w.DeleteLogGroup(group.ARN()), "ResourceNotFoundException")
}

// What Authorize returns is a case that anybody can decide again.
func TestAuthorizeCase(t *testing.T) {
	w := newWorld(t)
	makeBucket(t, w)
	role := must(w.CreateRole(Role{Account: compute, Name: "P", Path: "/service/", TrustPolicy: trustsLambda}))(t)
	expectCode(t, "identity policy", w.PutRolePolicy(role.ARN, "read", readsObjects), "")
	key := must(w.AssumeRole(role.ARN, "f"))(t)
	c, _, err := w.Authorize(t.Context(), &key, "s3:GetObject", "arn:aws:s3:::shared/k", map[string]any{"aws:SecureTransport": "false"})
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Case{
		ID: "s3:GetObject",
		Request: policy.Request{
			Principal: "arn:aws:sts::123456789012:assumed-role/P/f", Action: "s3:GetObject",
			Resource: policy.Resource{ARN: "arn:aws:s3:::shared/k", AccountID: data},
			Context: map[string]any{
				"aws:PrincipalAccount": compute, "aws:PrincipalArn": role.ARN, "aws:PrincipalType": "AssumedRole", "aws:PrincipalIsAWSService": "false",
				"aws:ResourceAccount": data, "aws:SecureTransport": "false", "aws:userid": role.UniqueID + ":f",
			},
		},
		IdentityPolicies: []policy.NamedPolicy{{Name: "read", Policy: json.RawMessage(readsObjects)}},
	}
	got, wanted := must(json.Marshal(c))(t), must(json.Marshal(want))(t)
	if string(got) != string(wanted) {
		t.Errorf("got  %s\nwant %s", got, wanted)
	}
}
