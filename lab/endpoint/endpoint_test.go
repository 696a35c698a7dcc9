package endpoint

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"cross-account-s3/lab/account"
	"cross-account-s3/policy"
)

const (
	compute = "123456789012"
	data    = "987654321098"
	region  = "us-east-1"

	// The role may do everything on S3 and Lambda; the bucket decides.
	identity = `{"Version":"2012-10-17","Statement":[{"Sid":"All","Effect":"Allow","Action":["s3:*","lambda:*"],"Resource":"*"}]}`
	trust    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

	// Everything below in/ is open to the role but for in/secret, over https with TLS 1.2.
	shared = `{"Version":"2012-10-17","Statement":[
		{"Sid":"Objects","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/R"},"Action":["s3:GetObject","s3:GetObjectVersion","s3:PutObject",
			"s3:DeleteObject","s3:AbortMultipartUpload","s3:ListMultipartUploadParts","s3:GetObjectTagging","s3:PutObjectTagging"],"Resource":"arn:aws:s3:::shared/in/*"},
		{"Sid":"List","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/R"},"Action":"s3:ListBucket","Resource":"arn:aws:s3:::shared",
			"Condition":{"StringLike":{"s3:prefix":"in/*"}}},
		{"Sid":"Secret","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::shared/in/secret"},
		{"Sid":"Plain","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::shared","arn:aws:s3:::shared/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}},
		{"Sid":"Old","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::shared","arn:aws:s3:::shared/*"],"Condition":{"NumericLessThan":{"s3:TlsVersion":"1.2"}}}]}`
)

var engine = sync.OnceValues(func() (*policy.Engine, error) { return policy.New(context.Background()) })

// fixture is an endpoint with a bucket in one account, and a role and a function in the other.
type fixture struct {
	*Endpoint
	t     *testing.T
	world *account.World
	// key is a session of the role that may use the bucket, owner one of a role in the bucket's account, other one of a role that has
	// nothing to do with it.
	key, owner, other account.Key

	mutex    sync.Mutex
	accesses []Access
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	decider, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t: t, world: account.New(decider, compute, data)}
	session := func(id, name string) account.Key {
		role, err := f.world.CreateRole(account.Role{Account: id, Name: name, TrustPolicy: trust})
		if err == nil {
			err = f.world.PutRolePolicy(role.ARN, "all", identity)
		}
		var key account.Key
		if err == nil {
			key, err = f.world.AssumeRole(role.ARN, "session")
		}
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	f.key, f.owner, f.other = session(compute, "R"), session(data, "Owner"), session(compute, "Other")
	for _, bucket := range []account.Bucket{{Account: data, Region: region, Name: "shared"}, {Account: data, Region: region, Name: "private"}, {Account: compute, Region: region, Name: "mine"}} {
		if _, err := f.world.CreateBucket(t.Context(), bucket); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.world.PutBucketPolicy("shared", shared); err != nil {
		t.Fatal(err)
	}
	if _, err := f.world.CreateFunction(t.Context(), account.Function{
		Account: compute, Region: region, Name: "f", Role: "arn:aws:iam::123456789012:role/R", MemorySize: 128, Timeout: time.Second, Code: []byte("zip"),
	}); err != nil {
		t.Fatal(err)
	}
	f.Endpoint, err = Start(t.Context(), f.world, echo, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	f.Observe(func(access Access) {
		f.mutex.Lock()
		defer f.mutex.Unlock()
		f.accesses = append(f.accesses, access)
	})
	return f
}

// echo answers an event with itself, fails as a function on "fail", and as Lambda on "throttle".
func echo(_ context.Context, function account.Function, payload []byte) (Invocation, error) {
	switch string(payload) {
	case `"fail"`:
		return Invocation{Payload: []byte(`{"errorType":"E"}`), FunctionError: "Unhandled", RequestID: "1"}, nil
	case `"throttle"`:
		return Invocation{}, &Error{http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded."}
	}
	return Invocation{Payload: payload, LogTail: []byte("log of " + function.Name), RequestID: "1"}, nil
}

func (f *fixture) taken() []Access {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	taken := f.accesses
	f.accesses = nil
	return taken
}

// client trusts the endpoint's authority.
func (f *fixture) client(newest uint16) *http.Client {
	f.t.Helper()
	ca, err := os.ReadFile(f.CAFile())
	if err != nil {
		f.t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS10, MaxVersion: newest}}
	f.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func provider(key *account.Key) aws.CredentialsProvider {
	if key == nil {
		return aws.AnonymousCredentials{}
	}
	return credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, key.SessionToken)
}

func (f *fixture) s3(key *account.Key, change ...func(*s3.Options)) *s3.Client {
	return s3.New(s3.Options{
		Region: region, BaseEndpoint: aws.String(f.URL()), UsePathStyle: true, HTTPClient: f.client(tls.VersionTLS13), Credentials: provider(key), RetryMaxAttempts: 1,
	}, change...)
}

// codeOf is the code of an error of AWS, or the HTTP status where there is no body.
func codeOf(err error) string {
	var answer smithy.APIError
	if errors.As(err, &answer) {
		return answer.ErrorCode()
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func expect(t *testing.T, what string, err error, want string) {
	t.Helper()
	if got := codeOf(err); got != want {
		t.Errorf("%s: %q (%v), want %q", what, got, err, want)
	}
}

var (
	bucket = aws.String("shared")
	inside = aws.String("in/a")
)

func TestObjects(t *testing.T) {
	f := newFixture(t)
	client := f.s3(&f.key)
	ctx := t.Context()
	_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: inside, Body: strings.NewReader("text")})
	expect(t, "put", err, "")
	got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: inside})
	expect(t, "get", err, "")
	if text, err := io.ReadAll(got.Body); err != nil || string(text) != "text" {
		t.Errorf("read %q %v", text, err)
	}
	_, err = client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: inside})
	expect(t, "head", err, "")
	list, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket, Prefix: aws.String("in/")})
	expect(t, "list", err, "")
	if len(list.Contents) != 1 || *list.Contents[0].Key != "in/a" {
		t.Errorf("listed %v", list.Contents)
	}
	_, err = client.CopyObject(ctx, &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("in/b c"), CopySource: aws.String("shared/in/a")})
	expect(t, "copy", err, "")
	_, err = client.PutObjectTagging(ctx, &s3.PutObjectTaggingInput{Bucket: bucket, Key: inside, Tagging: &types.Tagging{TagSet: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}})
	expect(t, "put tags", err, "")
	tags, err := client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: bucket, Key: inside})
	expect(t, "get tags", err, "")
	if len(tags.TagSet) != 1 {
		t.Errorf("tags %v", tags.TagSet)
	}
	_, err = client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("in/b c")})
	expect(t, "delete", err, "")
}

func TestRefusedObjects(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	for _, key := range []string{"in/a", "in/secret", "out/a"} {
		if _, err := f.world.Objects().PutObject(ctx, "shared", key, nil, strings.NewReader("text"), 4); err != nil {
			t.Fatal(err)
		}
	}
	plain := func(o *s3.Options) { o.BaseEndpoint = aws.String(f.PlainURL()) }
	old := func(o *s3.Options) { o.HTTPClient = f.client(tls.VersionTLS11) }
	anotherSecret := f.key
	anotherSecret.SecretAccessKey += "x"
	anotherToken := f.key
	anotherToken.SessionToken += "x"
	unknown := f.key
	unknown.AccessKeyID += "x"
	get := func(client *s3.Client, key string) error {
		_, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String(key)})
		return err
	}
	for _, c := range []struct {
		name, code, message string
		err                 error
	}{
		{"allowed", "", "", get(f.s3(&f.key), "in/a")},
		{"outside", "AccessDenied", "because no resource-based policy allows the s3:GetObject action", get(f.s3(&f.key), "out/a")},
		{"explicitly denied", "AccessDenied", "with an explicit deny in a resource-based policy", get(f.s3(&f.key), "in/secret")},
		{"plain http", "AccessDenied", "with an explicit deny in a resource-based policy", get(f.s3(&f.key, plain), "in/a")},
		{"TLS 1.1", "AccessDenied", "with an explicit deny in a resource-based policy", get(f.s3(&f.key, old), "in/a")},
		{"another role", "AccessDenied", "because no resource-based policy allows", get(f.s3(&f.other), "in/a")},
		{"anonymous", "AccessDenied", "Access Denied", get(f.s3(nil), "in/a")},
		{"the owner's account", "", "", get(f.s3(&f.owner), "in/a")},
		{"another secret", "SignatureDoesNotMatch", "", get(f.s3(&anotherSecret), "in/a")},
		{"another token", "InvalidToken", "", get(f.s3(&anotherToken), "in/a")},
		{"an unknown key", "InvalidAccessKeyId", "", get(f.s3(&unknown), "in/a")},
		{"missing, and may not be known", "AccessDenied", "s3:ListBucket", get(f.s3(&f.key), "in/missing")},
		{"missing, for the owner", "NoSuchKey", "", get(f.s3(&f.owner), "in/missing")},
	} {
		expect(t, c.name, c.err, c.code)
		if c.err != nil && !strings.Contains(c.err.Error(), c.message) {
			t.Errorf("%s: %v, want %q", c.name, c.err, c.message)
		}
	}

	if err := f.world.PutRolePolicy(f.key.Role, "all", strings.Replace(identity, "s3:*", "s3:Put*", 1)); err != nil {
		t.Fatal(err)
	}
	if err := get(f.s3(&f.key), "in/a"); err == nil || !strings.Contains(err.Error(), "because no identity-based policy allows the s3:GetObject action") {
		t.Errorf("without the role's half: %v", err)
	}
	if err := f.world.PutRolePolicy(f.key.Role, "all", strings.Replace(identity, "Allow", "Deny", 1)); err != nil {
		t.Fatal(err)
	}
	if err := get(f.s3(&f.key), "in/a"); err == nil || !strings.Contains(err.Error(), "with an explicit deny in an identity-based policy") {
		t.Errorf("denied by the role's half: %v", err)
	}
	_, err := f.s3(&f.key).GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("nowhere"), Key: inside})
	expect(t, "no such bucket", err, "NoSuchBucket")
	_, err = f.s3(&f.key).HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("out/a")})
	expect(t, "head outside", err, "Forbidden")
}

func TestExpectedOwner(t *testing.T) {
	f := newFixture(t)
	for owner, want := range map[string]string{data: "", compute: "AccessDenied"} {
		_, err := f.s3(&f.key).PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: inside, Body: strings.NewReader("x"), ExpectedBucketOwner: aws.String(owner)})
		expect(t, "put expecting "+owner, err, want)
		_, err = f.s3(&f.key).CopyObject(t.Context(), &s3.CopyObjectInput{
			Bucket: bucket, Key: aws.String("in/b"), CopySource: aws.String("shared/in/a"), ExpectedSourceBucketOwner: aws.String(owner),
		})
		expect(t, "copy expecting "+owner, err, want)
	}
}

func TestCopyNeedsBoth(t *testing.T) {
	f := newFixture(t)
	for _, key := range []string{"in/a", "out/a"} {
		if _, err := f.world.Objects().PutObject(t.Context(), "shared", key, nil, strings.NewReader("text"), 4); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ source, target, want string }{
		{"shared/in/a", "in/b", ""},
		{"shared/out/a", "in/b", "AccessDenied"},
		{"shared/in/a", "out/b", "AccessDenied"},
		{"/shared/in%2Fa", "in/b", ""},
		{"shared", "in/b", "InvalidArgument"},
	} {
		_, err := f.s3(&f.key).CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: bucket, Key: aws.String(c.target), CopySource: aws.String(c.source)})
		expect(t, c.source+" to "+c.target, err, c.want)
	}
}

func TestMultipart(t *testing.T) {
	f := newFixture(t)
	client := f.s3(&f.key)
	ctx := t.Context()
	upload := func(key string) *string {
		t.Helper()
		created, err := client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String(key)})
		expect(t, "create", err, "")
		return created.UploadId
	}
	id := upload("in/large")
	part, err := client.UploadPart(ctx, &s3.UploadPartInput{Bucket: bucket, Key: aws.String("in/large"), UploadId: id, PartNumber: aws.Int32(1), Body: strings.NewReader("text")})
	expect(t, "part", err, "")
	parts, err := client.ListParts(ctx, &s3.ListPartsInput{Bucket: bucket, Key: aws.String("in/large"), UploadId: id})
	expect(t, "parts", err, "")
	if len(parts.Parts) != 1 {
		t.Errorf("parts %v", parts.Parts)
	}
	_, err = client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: aws.String("in/large"), UploadId: id, MultipartUpload: &types.CompletedMultipartUpload{
		Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}},
	}})
	expect(t, "complete", err, "")
	head, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("in/large")})
	if expect(t, "head", err, ""); err == nil && *head.ContentLength != 4 {
		t.Errorf("length %d", *head.ContentLength)
	}
	_, err = client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: bucket, Key: aws.String("in/other"), UploadId: upload("in/other")})
	expect(t, "abort", err, "")
	_, err = client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: bucket, Key: aws.String("out/large")})
	expect(t, "outside", err, "AccessDenied")
}

func TestPresigned(t *testing.T) {
	f := newFixture(t)
	if _, err := f.world.Objects().PutObject(t.Context(), "shared", "in/a", nil, strings.NewReader("text"), 4); err != nil {
		t.Fatal(err)
	}
	presign := func(key string, changes ...func(*s3.PresignOptions)) string {
		t.Helper()
		signed, err := s3.NewPresignClient(f.s3(&f.key), changes...).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: aws.String(key)})
		if err != nil {
			t.Fatal(err)
		}
		return signed.URL
	}
	const form = "20060102T150405Z"
	for name, c := range map[string]struct {
		url    string
		status int
		body   string
	}{
		"valid":       {presign("in/a"), http.StatusOK, "text"},
		"not allowed": {presign("out/a"), http.StatusForbidden, "AccessDenied"},
		"changed":     {strings.Replace(presign("in/a"), "in/a", "in/b", 1), http.StatusForbidden, "SignatureDoesNotMatch"},
		"over http":   {strings.Replace(presign("in/a"), f.URL(), f.PlainURL(), 1), http.StatusForbidden, "AccessDenied"},
		"expired": {presign("in/a", func(o *s3.PresignOptions) {
			o.Expires = time.Minute
			o.Presigner = fixedTime{v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }), time.Now().Add(-time.Hour)}
		}), http.StatusForbidden, "expired"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := f.client(tls.VersionTLS13).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err = errors.Join(err, response.Body.Close()); err != nil || response.StatusCode != c.status || !strings.Contains(string(body), c.body) {
			t.Errorf("%s: %s %s %v, want %d %s", name, response.Status, body, err, c.status, c.body)
		}
	}
	if accesses := f.taken(); !slices.ContainsFunc(accesses, func(a Access) bool { return a.Case.Request.Context["s3:authType"] == "REST-QUERY-STRING" }) {
		t.Errorf("no access tells that it was presigned (%s)", form)
	}
}

// fixedTime signs as if it were another time.
type fixedTime struct {
	signer *v4.Signer
	time   time.Time
}

func (s fixedTime) PresignHTTP(ctx context.Context, key aws.Credentials, r *http.Request, hash, service, region string, _ time.Time, options ...func(*v4.SignerOptions)) (string, http.Header, error) {
	return s.signer.PresignHTTP(ctx, key, r, hash, service, region, s.time, options...)
}

func TestVersions(t *testing.T) {
	f := newFixture(t)
	if err := f.world.Configure("shared", account.Versioning, map[string]any{"status": "Enabled"}); err != nil {
		t.Fatal(err)
	}
	client := f.s3(&f.key)
	var versions []*string
	for _, text := range []string{"one", "two"} {
		put, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: inside, Body: strings.NewReader(text)})
		expect(t, "put", err, "")
		versions = append(versions, put.VersionId)
	}
	old, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: inside, VersionId: versions[0]})
	expect(t, "get the old version", err, "")
	if text, err := io.ReadAll(old.Body); err != nil || string(text) != "one" {
		t.Errorf("old version: %q %v", text, err)
	}
	_, err = client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: inside, VersionId: versions[0]})
	expect(t, "delete a version, which is another action", err, "AccessDenied")
	_, err = client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: bucket})
	expect(t, "list versions", err, "AccessDenied")
	_, err = f.s3(&f.owner).ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: bucket})
	expect(t, "list versions as owner", err, "")
}

// Each key of DeleteObjects is a decision of its own.
func TestDeleteObjects(t *testing.T) {
	f := newFixture(t)
	keys := []string{"in/a", "in/b", "in/secret", "out/a"}
	var wanted []types.ObjectIdentifier
	for _, key := range keys {
		if _, err := f.world.Objects().PutObject(t.Context(), "shared", key, nil, strings.NewReader("text"), 4); err != nil {
			t.Fatal(err)
		}
		wanted = append(wanted, types.ObjectIdentifier{Key: aws.String(key)})
	}
	done, err := f.s3(&f.key).DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: wanted}})
	if err != nil {
		t.Fatal(err)
	}
	var deleted, refused []string
	for _, object := range done.Deleted {
		deleted = append(deleted, *object.Key)
	}
	for _, object := range done.Errors {
		refused = append(refused, *object.Key+" "+*object.Code)
	}
	if !slices.Equal(deleted, []string{"in/a", "in/b"}) || !slices.Equal(refused, []string{"in/secret AccessDenied", "out/a AccessDenied"}) {
		t.Errorf("deleted %v, refused %v", deleted, refused)
	}
	for _, key := range keys {
		_, err := f.world.Objects().HeadObject(t.Context(), "shared", key)
		if gone := err != nil; gone != slices.Contains(deleted, key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	done, err = f.s3(&f.other).DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: wanted[2:]}})
	if err != nil || len(done.Deleted) > 0 || len(done.Errors) != 2 {
		t.Errorf("another role: %v %v", done, err)
	}
}

func TestBuckets(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	for name, key := range map[string]*account.Key{"mine": &f.key, "private shared": &f.owner} {
		list, err := f.s3(key).ListBuckets(ctx, &s3.ListBucketsInput{})
		expect(t, "list", err, "")
		var names []string
		for _, one := range list.Buckets {
			names = append(names, *one.Name)
		}
		slices.Sort(names)
		if strings.Join(names, " ") != name {
			t.Errorf("%s sees %v", key.Principal, names)
		}
	}
	_, err := f.s3(&f.owner).GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: bucket})
	expect(t, "location", err, "")
	_, err = f.s3(&f.owner).GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: bucket})
	expect(t, "versioning", err, "")
	_, err = f.s3(&f.owner).HeadBucket(ctx, &s3.HeadBucketInput{Bucket: bucket})
	expect(t, "head", err, "")
	// What changes buckets goes through Pulumi, and what the lab does not map is never done.
	_, err = f.s3(&f.owner).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("another")})
	if codeOf(err) == "" {
		t.Error("a bucket was made")
	}
	_, err = f.s3(&f.owner).DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: aws.String("private")})
	expect(t, "delete", err, "NotImplemented")
	_, err = f.s3(&f.owner).PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: bucket, VersioningConfiguration: &types.VersioningConfiguration{Status: types.BucketVersioningStatusSuspended}})
	expect(t, "put versioning", err, "AccessDenied")
	_, err = f.s3(&f.owner).GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: bucket})
	if expect(t, "acl", err, "AccessDenied"); err != nil && !strings.Contains(err.Error(), "GET acl") {
		t.Errorf("%v does not name what the lab does not offer", err)
	}
}

func TestNeeded(t *testing.T) {
	for _, c := range []struct {
		request string
		header  map[string]string
		want    string
	}{
		{"GET b?list-type=2&prefix=p&max-keys=3&x-id=ListObjectsV2", nil, "s3:ListBucket b"},
		{"GET b?marker=m&encoding-type=url", nil, "s3:ListBucket b"},
		{"HEAD b", nil, "s3:ListBucket b"},
		{"GET b?versions&key-marker=k", nil, "s3:ListBucketVersions b"},
		{"GET b?uploads", nil, "s3:ListBucketMultipartUploads b"},
		{"GET b?location", nil, "s3:GetBucketLocation b"},
		{"GET b?versioning", nil, "s3:GetBucketVersioning b"},
		{"PUT b?versioning", nil, "refused"},
		{"GET b?policy", nil, "refused"},
		{"PUT b?policy", nil, "refused"},
		{"PUT b", nil, "refused"},
		{"DELETE b", nil, "refused"},
		{"DELETE b?location", nil, "refused"},
		{"POST b", nil, "refused"},
		{"POST b?delete", nil, ""},
		{"GET b/k", nil, "s3:GetObject b/k"},
		{"GET b/k?partNumber=1&response-content-type=t&X-Amz-Expires=3", nil, "s3:GetObject b/k"},
		{"GET b/k?versionId=v", nil, "s3:GetObjectVersion b/k"},
		{"HEAD b/k?versionId=v", nil, "s3:GetObjectVersion b/k"},
		{"GET b/k?acl", nil, "refused"},
		{"GET b/k?attributes", nil, "s3:GetObject b/k, s3:GetObjectAttributes b/k"},
		{"GET b/k?versionId=null", nil, "s3:GetObjectVersion b/k, s3:GetObject b/k"},
		{"DELETE b/k?versionId=null", nil, "s3:DeleteObjectVersion b/k, s3:DeleteObject b/k"},
		{"GET b/k?tagging", nil, "s3:GetObjectTagging b/k"},
		{"GET b/k?tagging&versionId=v", nil, "refused"},
		{"GET b/k?attributes&versionId=v", nil, "refused"},
		{"GET b/k?attributes&tagging", nil, "refused"},
		{"GET b?location&versions", nil, "refused"},
		{"GET b/k?uploadId=", nil, "refused"},
		{"DELETE b/k?uploadId", nil, "refused"},
		{"PUT b/k?tagging", nil, "s3:PutObjectTagging b/k"},
		{"DELETE b/k?tagging", nil, "s3:DeleteObjectTagging b/k"},
		{"PUT b/k?retention", nil, "refused"},
		{"PUT b/k?x-id=PutObject", nil, "s3:PutObject b/k"},
		{"PUT b/k", map[string]string{"X-Amz-Acl": "private"}, "s3:PutObject b/k, s3:PutObjectAcl b/k"},
		{"PUT b/k", map[string]string{"X-Amz-Grant-Read": "id=1"}, "s3:PutObject b/k, s3:PutObjectAcl b/k"},
		{"PUT b/k", map[string]string{"X-Amz-Tagging": "a=b"}, "s3:PutObject b/k, s3:PutObjectTagging b/k"},
		{"PUT b/k", map[string]string{"X-Amz-Copy-Source": "/c/a%20b"}, "s3:PutObject b/k, s3:GetObject c/a b"},
		{"PUT b/k", map[string]string{"X-Amz-Copy-Source": "c/a?versionId=v"}, "s3:PutObject b/k, s3:GetObjectVersion c/a"},
		{"PUT b/k?uploadId=u&partNumber=1", map[string]string{"X-Amz-Copy-Source": "c/a"}, "s3:PutObject b/k, s3:GetObject c/a"},
		{"PUT b/k", map[string]string{"X-Amz-Copy-Source": "c/a+b%2Bc"}, "s3:PutObject b/k, s3:GetObject c/a b+c"},
		{"PUT b/k", map[string]string{"X-Amz-Copy-Source": "c"}, "refused"},
		{"PUT b/k", map[string]string{"X-Amz-Copy-Source": "c/a?x"}, "refused"},
		{"PUT b/k", map[string]string{"X-Amz-Copy-Source": "c/a?versionId="}, "refused"},
		{"DELETE b/k", nil, "s3:DeleteObject b/k"},
		{"DELETE b/k?versionId=v", nil, "s3:DeleteObjectVersion b/k"},
		{"POST b/k?uploads", nil, "s3:PutObject b/k"},
		{"POST b/k?uploadId=u", nil, "s3:PutObject b/k"},
		{"GET b/k?uploadId=u", nil, "s3:ListMultipartUploadParts b/k"},
		{"DELETE b/k?uploadId=u", nil, "s3:AbortMultipartUpload b/k"},
		{"POST b/k?restore", nil, "refused"},
		{"POST b/k?select&select-type=2", nil, "refused"},
		{"POST b/k", nil, "refused"},
	} {
		method, target, _ := strings.Cut(c.request, " ")
		path, rawQuery, _ := strings.Cut(target, "?")
		name, key, _ := strings.Cut(path, "/")
		query, err := url.ParseQuery(rawQuery)
		if err != nil {
			t.Fatal(err)
		}
		header := http.Header{}
		for field, value := range c.header {
			header.Set(field, value)
		}
		asks, err := needed(method, name, key, query, header)
		var got []string
		for _, need := range asks {
			got = append(got, need.action+" "+strings.TrimPrefix(need.arn, "arn:aws:s3:::"))
		}
		text := strings.Join(got, ", ")
		if err != nil {
			text = "refused"
		}
		if text != c.want {
			t.Errorf("%s %v needs %q, want %q", c.request, c.header, text, c.want)
		}
	}
}

func TestCallerIdentity(t *testing.T) {
	f := newFixture(t)
	client := func(key *account.Key) *sts.Client {
		return sts.New(sts.Options{Region: region, BaseEndpoint: aws.String(f.URL()), HTTPClient: f.client(tls.VersionTLS13), Credentials: provider(key), RetryMaxAttempts: 1})
	}
	who, err := client(&f.key).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil || *who.Account != compute || *who.Arn != f.key.Principal || *who.UserId != f.key.RoleID+":session" {
		t.Errorf("%v %v", who, err)
	}
	forged := f.key
	forged.SecretAccessKey += "x"
	_, err = client(&forged).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	expect(t, "forged", err, "SignatureDoesNotMatch")
	_, err = client(&f.key).AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(f.owner.Role), RoleSessionName: aws.String("session")})
	expect(t, "another action", err, "InvalidAction")
}

func TestInvoke(t *testing.T) {
	f := newFixture(t)
	client := func(key *account.Key) *lambda.Client {
		return lambda.New(lambda.Options{Region: region, BaseEndpoint: aws.String(f.URL()), HTTPClient: f.client(tls.VersionTLS13), Credentials: provider(key), RetryMaxAttempts: 1})
	}
	const arn = "arn:aws:lambda:us-east-1:123456789012:function:f"
	for _, name := range []string{"f", arn, "123456789012:function:f", "f:$LATEST", arn + ":$LATEST"} {
		answer, err := client(&f.key).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String(name), Payload: []byte(`{"a":1}`), LogType: lambdatypes.LogTypeTail})
		if err != nil || string(answer.Payload) != `{"a":1}` || answer.FunctionError != nil || *answer.ExecutedVersion != "$LATEST" || *answer.LogResult != "bG9nIG9mIGY=" {
			t.Errorf("%s: %+v %v", name, answer, err)
		}
	}
	answer, err := client(&f.key).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`"fail"`)})
	if err != nil || *answer.FunctionError != "Unhandled" || string(answer.Payload) != `{"errorType":"E"}` {
		t.Errorf("a function's error: %+v %v", answer, err)
	}
	answer, err = client(&f.key).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: lambdatypes.InvocationTypeDryRun})
	if err != nil || answer.StatusCode != http.StatusNoContent {
		t.Errorf("dry run: %+v %v", answer, err)
	}
	for _, c := range []struct {
		name string
		key  *account.Key
		in   lambda.InvokeInput
		want string
	}{
		{"throttled", &f.key, lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte(`"throttle"`)}, "TooManyRequestsException"},
		{"missing", &f.key, lambda.InvokeInput{FunctionName: aws.String("g")}, "ResourceNotFoundException"},
		{"another version", &f.key, lambda.InvokeInput{FunctionName: aws.String("f"), Qualifier: aws.String("1")}, "ResourceNotFoundException"},
		{"of another account", &f.owner, lambda.InvokeInput{FunctionName: aws.String(arn)}, "AccessDeniedException"},
		{"asynchronous", &f.key, lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: lambdatypes.InvocationTypeEvent}, "InvalidParameterValueException"},
	} {
		_, err := client(c.key).Invoke(t.Context(), &c.in)
		expect(t, c.name, err, c.want)
	}
	_, err = client(&f.key).ListFunctions(t.Context(), &lambda.ListFunctionsInput{})
	expect(t, "another operation", err, "NotImplemented")
}

// A body that is not the one that was signed is not accepted.
func TestTampered(t *testing.T) {
	f := newFixture(t)
	send := func(service, target, signed, sent string) (int, string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, f.URL()+target, strings.NewReader(sent))
		if service != "s3" {
			request, err = http.NewRequestWithContext(t.Context(), http.MethodPost, f.URL()+target, strings.NewReader(sent))
		}
		if err != nil {
			t.Fatal(err)
		}
		hash := sha256Hex(signed)
		if service == "s3" {
			request.Header.Set("X-Amz-Content-Sha256", hash)
		}
		key := aws.Credentials{AccessKeyID: f.key.AccessKeyID, SecretAccessKey: f.key.SecretAccessKey, SessionToken: f.key.SessionToken}
		if err := v4.NewSigner().SignHTTP(t.Context(), key, request, hash, service, region, time.Now()); err != nil {
			t.Fatal(err)
		}
		response, err := f.client(tls.VersionTLS13).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	const identityForm = "Action=GetCallerIdentity&Version=2011-06-15"
	for _, c := range []struct {
		name, service, target, signed, sent string
		status                              int
	}{
		{"s3", "s3", "/shared/in/a", "text", "text", http.StatusOK},
		{"s3, tampered", "s3", "/shared/in/b", "text", "tixt", http.StatusBadRequest},
		{"sts", "sts", "/", identityForm, identityForm, http.StatusOK},
		{"sts, tampered", "sts", "/", identityForm, strings.Replace(identityForm, "Get", "Set", 1), http.StatusForbidden},
		{"a service that the lab does not have", "sqs", "/", "x", "x", http.StatusNotImplemented},
	} {
		if status, body := send(c.service, c.target, c.signed, c.sent); status != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, status, body, c.status)
		}
	}
	if _, err := f.world.Objects().HeadObject(t.Context(), "shared", "in/b"); err == nil {
		t.Error("what was tampered with was stored")
	}
}

// Every decision is told, with what was decided and why, and without anything of the object.
func TestObserve(t *testing.T) {
	f := newFixture(t)
	_, err := f.s3(&f.key).PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: inside, Body: strings.NewReader("never told")})
	expect(t, "put", err, "")
	accesses := f.taken()
	if len(accesses) != 1 {
		t.Fatalf("%d accesses", len(accesses))
	}
	a := accesses[0]
	if a.Principal != f.key.Principal || a.Action != "s3:PutObject" || a.Resource != "arn:aws:s3:::shared/in/a" || a.Transport != "TLS 1.3" ||
		a.Result.Decision != policy.Allowed || a.Case.Request.Context["aws:SourceIp"] != "127.0.0.1" || a.Case.Request.Context["aws:RequestedRegion"] != region {
		t.Errorf("%+v", a)
	}
	if strings.Contains(fmt.Sprint(a), "never told") || strings.Contains(fmt.Sprint(a), f.key.SecretAccessKey) {
		t.Error("an access tells too much")
	}
}

func TestClose(t *testing.T) {
	f := newFixture(t)
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{f.URL(), f.PlainURL()} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := f.client(tls.VersionTLS13).Do(request); err == nil {
			t.Errorf("%s answers %s", target, response.Status)
			_ = response.Body.Close()
		}
	}
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// What comes through a VPC endpoint has the ids of it, and its policy has a say besides.
func TestVPCEndpoint(t *testing.T) {
	f := newFixture(t)
	f.world.AddVPC(account.VPC{Account: compute, Region: region, ID: "vpc-1", Subnets: map[string]string{"subnet-1": "rtb-1"}})
	made, err := f.world.PutVPCEndpoint(account.VPCEndpoint{
		Account: compute, Region: region, VPC: "vpc-1", Service: "com.amazonaws." + region + ".s3", RouteTables: []string{"rtb-1"},
		Policy: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":["s3:GetObject","s3:PutObject"],"Resource":"arn:aws:s3:::shared/*"},
			{"Effect":"Deny","Principal":"*","Action":"*","Resource":"arn:aws:s3:::shared/in/denied"}]}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	url, err := f.ServeVPCEndpoint(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := f.ServeVPCEndpoint(t.Context(), made.ID); err != nil || again != url {
		t.Errorf("another call: %s %v, want %s", again, err, url)
	}
	_, err = f.ServeVPCEndpoint(t.Context(), "vpce-9")
	if err == nil || !strings.Contains(err.Error(), "vpce-9") {
		t.Errorf("an endpoint that nobody has: %v", err)
	}
	through := func(o *s3.Options) { o.BaseEndpoint = aws.String(url) }
	behind := f.s3(&f.key, through)
	put := func(key string) error {
		_, err := behind.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String(key), Body: strings.NewReader("x")})
		return err
	}
	if err := put("in/a"); err != nil {
		t.Fatal(err)
	}
	for _, access := range f.taken() {
		given := access.Case.Request.Context
		if given["aws:SourceVpce"] != made.ID || given["aws:SourceVpc"] != "vpc-1" || given["aws:VpcSourceIp"] == nil || given["aws:SourceIp"] != nil {
			t.Errorf("%s has the context %v", access.Action, given)
		}
	}
	if err := put("in/denied"); err == nil || !strings.Contains(err.Error(), "with an explicit deny in a VPC endpoint policy") {
		t.Errorf("what it denies: %v", err)
	}
	_, err = behind.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("in/a")})
	if err == nil || !strings.Contains(err.Error(), "because no VPC endpoint policy allows the s3:DeleteObject action") {
		t.Errorf("what it does not allow: %v", err)
	}
	// Who may list the bucket hears that an object is missing, and through the endpoint nobody may.
	get := func(client *s3.Client) error {
		_, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: aws.String("in/missing")})
		return err
	}
	expect(t, "missing", get(f.s3(&f.owner)), "NoSuchKey")
	expect(t, "missing, through the endpoint", get(f.s3(&f.owner, through)), "AccessDenied")

	if err := f.world.DeleteVPCEndpoint(made.ID); err != nil {
		t.Fatal(err)
	}
	var answered smithy.APIError
	if err := put("in/a"); err == nil || errors.As(err, &answered) {
		t.Errorf("an endpoint that is gone: %v", err)
	}
}
