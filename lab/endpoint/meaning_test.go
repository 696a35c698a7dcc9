package endpoint

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"cross-account-s3/lab/account"
)

// send signs a request for a service as a client would that follows no SDK, and sends it. Headers are "Name: value".
func (f *fixture) send(service, method, target, hash, body string, headers ...string) (int, string) {
	f.t.Helper()
	request, err := http.NewRequestWithContext(f.t.Context(), method, f.URL()+target, strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	key := aws.Credentials{AccessKeyID: f.key.AccessKeyID, SecretAccessKey: f.key.SecretAccessKey, SessionToken: f.key.SessionToken}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	if err := signer.SignHTTP(f.t.Context(), key, request, hash, service, region, time.Now()); err != nil {
		f.t.Fatal(err)
	}
	response, err := f.client(tls.VersionTLS13).Do(request)
	if err != nil {
		f.t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		f.t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// The storage does what was decided, also where it would read a request in another way.
func TestOneMeaning(t *testing.T) {
	for _, c := range []struct {
		name, method, target, copySource, body string
		status                                 int
	}{
		{"a second slash before the bucket", http.MethodGet, "//shared/in/secret", "", "", http.StatusBadRequest},
		{"a second slash before the key", http.MethodGet, "/shared//in/secret", "", "", http.StatusForbidden},
		{"a part of no upload, read", http.MethodGet, "/shared/in/a?uploadId=", "", "", http.StatusForbidden},
		{"a part of no upload, deleted", http.MethodDelete, "/shared/in/a?uploadId=", "", "", http.StatusForbidden},
		{"two sub-resources of an object", http.MethodGet, "/shared/in/a?attributes&tagging", "", "", http.StatusForbidden},
		{"two sub-resources of a bucket", http.MethodGet, "/shared?location&versions", "", "", http.StatusForbidden},
		{"tags of a version", http.MethodGet, "/shared/in/a?tagging&versionId=v", "", "", http.StatusForbidden},
		{"attributes of a version", http.MethodGet, "/shared/in/a?attributes&versionId=v", "", "", http.StatusForbidden},
		{"a copy with a query", http.MethodPut, "/shared/in/b", "shared/in/secret?x", "", http.StatusBadRequest},
		{"a copy, escaped", http.MethodPut, "/shared/in/b", "shared%2Fin%2Fa", "", http.StatusOK},
		{"a denied copy, escaped", http.MethodPut, "/shared/in/b", "shared%2Fin%2Fsecret", "", http.StatusForbidden},
		{"a copy with a space as plus", http.MethodPut, "/shared/in/b", "shared/in/secret+plan", "", http.StatusForbidden},
		{"a copy with a plus", http.MethodPut, "/shared/in/b", "shared/in/one%2Bone", "", http.StatusOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			if err := f.world.PutBucketPolicy("shared", strings.Replace(shared, `"arn:aws:s3:::shared/in/secret"`, `["arn:aws:s3:::shared/in/secret","arn:aws:s3:::shared/in/secret plan"]`, 1)); err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{"in/a", "in/secret", "in/secret plan", "in/one+one"} {
				if _, err := f.world.Objects().PutObject(t.Context(), "shared", key, nil, strings.NewReader("text"), 4); err != nil {
					t.Fatal(err)
				}
			}
			headers := []string{"X-Amz-Content-Sha256: " + sha256Hex(c.body)}
			if c.copySource != "" {
				headers = append(headers, "X-Amz-Copy-Source: "+c.copySource)
			}
			if status, answer := f.send("s3", c.method, c.target, sha256Hex(c.body), c.body, headers...); status != c.status {
				t.Errorf("%d %s, want %d", status, answer, c.status)
			}
			if _, err := f.world.Objects().HeadObject(t.Context(), "shared", "in/a"); err != nil {
				t.Errorf("in/a: %v", err)
			}
			if _, err := f.world.Objects().HeadObject(t.Context(), "shared", "in/b"); (err == nil) != (c.status == http.StatusOK) {
				t.Errorf("in/b: %v", err)
			}
		})
	}
}

// What was signed of a body is checked, and a body of which nothing was said is not taken.
func TestPayloadHash(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct {
		name, signed, header, body string
		status                     int
	}{
		{"that of the body", sha256Hex("text"), sha256Hex("text"), "text", http.StatusOK},
		{"of another body", sha256Hex("tixt"), sha256Hex("tixt"), "text", http.StatusBadRequest},
		{"in capitals", strings.ToUpper(sha256Hex("tixt")), strings.ToUpper(sha256Hex("tixt")), "text", http.StatusBadRequest},
		{"none", sha256Hex(""), "", "text", http.StatusBadRequest},
		{"unsigned", "UNSIGNED-PAYLOAD", "UNSIGNED-PAYLOAD", "text", http.StatusOK},
		{"a way of signing that the lab does not have", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", "text", http.StatusNotImplemented},
	} {
		headers := []string{}
		if c.header != "" {
			headers = append(headers, "X-Amz-Content-Sha256: "+c.header)
		}
		key := "/shared/in/" + strings.ReplaceAll(c.name, " ", "-")
		if status, answer := f.send("s3", http.MethodPut, key, c.signed, c.body, headers...); status != c.status {
			t.Errorf("%s: %d %s, want %d", c.name, status, answer, c.status)
		}
		if _, err := f.world.Objects().HeadObject(t.Context(), "shared", strings.TrimPrefix(key, "/shared/")); (err == nil) != (c.status == http.StatusOK) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// DeleteObjects deletes the versions that it names, and no others.
func TestDeleteVersions(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	if err := f.world.Configure("shared", account.Versioning, map[string]any{"status": "Enabled"}); err != nil {
		t.Fatal(err)
	}
	var versions []*string
	for _, text := range []string{"one", "two", "three"} {
		put, err := f.s3(&f.key).PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: inside, Body: strings.NewReader(text)})
		expect(t, "put", err, "")
		versions = append(versions, put.VersionId)
	}
	remove := func(key *account.Key, version *string, quiet bool) *s3.DeleteObjectsOutput {
		t.Helper()
		done, err := f.s3(key).DeleteObjects(ctx, &s3.DeleteObjectsInput{
			Bucket: bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: inside, VersionId: version}}, Quiet: aws.Bool(quiet)},
		})
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	left := func() []string {
		t.Helper()
		list, err := f.s3(&f.owner).ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: bucket})
		expect(t, "list versions", err, "")
		var ids []string
		for _, version := range list.Versions {
			ids = append(ids, *version.VersionId)
		}
		if len(list.DeleteMarkers) > 0 {
			t.Errorf("delete markers: %v", list.DeleteMarkers)
		}
		return ids
	}
	if done := remove(&f.key, versions[0], false); len(done.Errors) != 1 || *done.Errors[0].Code != "AccessDenied" || len(left()) != 3 {
		t.Errorf("a version without DeleteObjectVersion: %+v, left %v", done, left())
	}
	if done := remove(&f.owner, versions[1], false); len(done.Deleted) != 1 || aws.ToString(done.Deleted[0].VersionId) != *versions[1] {
		t.Errorf("a version: %+v", done)
	}
	if ids := left(); len(ids) != 2 || slices.Contains(ids, *versions[1]) {
		t.Errorf("left %v of %v", ids, aws.ToStringSlice(versions))
	}
	if done := remove(&f.owner, versions[2], true); len(done.Deleted) > 0 || len(done.Errors) > 0 || !slices.Equal(left(), aws.ToStringSlice(versions[:1])) {
		t.Errorf("quietly: %+v, left %v", done, left())
	}
}

// What has been deleted is in no list of objects, though its versions are there.
func TestListWithoutTheDeleted(t *testing.T) {
	f := newFixture(t)
	if err := f.world.Configure("shared", account.Versioning, map[string]any{"status": "Enabled"}); err != nil {
		t.Fatal(err)
	}
	client := f.s3(&f.owner)
	for _, key := range []string{"in/a", "in/b", "in/c"} {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: aws.String(key), Body: strings.NewReader("x")})
		expect(t, "put", err, "")
	}
	_, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: aws.String("in/b")})
	expect(t, "delete", err, "")
	var keys []string
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket, MaxKeys: aws.Int32(2)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range page.Contents {
			keys = append(keys, *object.Key)
		}
	}
	if !slices.Equal(keys, []string{"in/a", "in/c"}) {
		t.Errorf("listed %q", keys)
	}
	if versions, err := client.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: bucket}); err != nil ||
		len(versions.Versions) != 3 || len(versions.DeleteMarkers) != 1 {
		t.Errorf("versions: %+v, %v", versions, err)
	}
}

// A copy of a version has what that version had, and needs the permission for versions.
func TestCopyVersion(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	if err := f.world.Configure("shared", account.Versioning, map[string]any{"status": "Enabled"}); err != nil {
		t.Fatal(err)
	}
	var versions []string
	for _, text := range []string{"one", "two"} {
		put, err := f.s3(&f.key).PutObject(ctx, &s3.PutObjectInput{
			Bucket: bucket, Key: inside, Body: strings.NewReader(text), Metadata: map[string]string{"text": text},
		})
		expect(t, "put", err, "")
		versions = append(versions, *put.VersionId)
	}
	copyVersion := func(version, target string) error {
		_, err := f.s3(&f.key).CopyObject(ctx, &s3.CopyObjectInput{
			Bucket: bucket, Key: aws.String(target), CopySource: aws.String("shared/in/a?versionId=" + url.QueryEscape(version)),
		})
		return err
	}
	for _, c := range []struct{ name, version, target, want string }{
		{"the old version", versions[0], "in/b", "one"},
		{"the current version", versions[1], "in/b", "two"},
		{"the old version over the current one", versions[0], "in/a", "one"},
	} {
		expect(t, c.name, copyVersion(c.version, c.target), "")
		got, err := f.s3(&f.key).GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String(c.target)})
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(got.Body); err != nil || string(text) != c.want || got.Metadata["text"] != c.want {
			t.Errorf("%s: %q %v %v, want %s", c.name, text, got.Metadata, err, c.want)
		}
	}
	f.taken()
	expect(t, "a version that does not exist, without ListBucket", copyVersion("3/missing", "in/b"), "AccessDenied")
	version := f.taken()[1].Case.Request
	if version.Action != "s3:GetObjectVersion" || version.Context["s3:VersionId"] != "3/missing" {
		t.Errorf("decided %s of %v", version.Action, version.Context["s3:VersionId"])
	}
	if err := f.world.PutBucketPolicy("shared", strings.Replace(shared, `"s3:GetObjectVersion",`, "", 1)); err != nil {
		t.Fatal(err)
	}
	expect(t, "without GetObjectVersion", copyVersion(versions[0], "in/b"), "AccessDenied")
}

// An object that was stored without versioning is its own null version, which the storage does not know as one.
func TestNullVersion(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	get := func() error {
		_, err := f.s3(&f.key).GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: inside, VersionId: aws.String(nullVersion)})
		return err
	}
	expect(t, "missing, without ListBucket", get(), "AccessDenied")
	if _, err := f.world.Objects().PutObject(ctx, "shared", "in/a", nil, strings.NewReader("text"), 4); err != nil {
		t.Fatal(err)
	}
	expect(t, "there", get(), "")
	done, err := f.s3(&f.owner).DeleteObjects(ctx, &s3.DeleteObjectsInput{
		Bucket: bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: inside, VersionId: aws.String(nullVersion)}}},
	})
	if err != nil || len(done.Deleted) != 1 {
		t.Errorf("%+v %v", done, err)
	}
	expect(t, "deleted", get(), "AccessDenied")
}

// A copy does not tell of an object that does not exist, when its bucket may not be listed.
func TestCopyMissing(t *testing.T) {
	f := newFixture(t)
	for key, want := range map[*account.Key]string{&f.key: "AccessDenied", &f.owner: "NoSuchKey"} {
		_, err := f.s3(key).CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: bucket, Key: inside, CopySource: aws.String("shared/in/missing")})
		expect(t, key.Principal, err, want)
	}
}

// A presigned URL keeps the owner that it expects.
func TestPresignedOwner(t *testing.T) {
	f := newFixture(t)
	if _, err := f.world.Objects().PutObject(t.Context(), "shared", "in/a", nil, strings.NewReader("text"), 4); err != nil {
		t.Fatal(err)
	}
	for owner, want := range map[string]int{data: http.StatusOK, compute: http.StatusForbidden} {
		signed, err := s3.NewPresignClient(f.s3(&f.key)).PresignGetObject(t.Context(), &s3.GetObjectInput{
			Bucket: bucket, Key: inside, ExpectedBucketOwner: aws.String(owner),
		})
		if err != nil {
			t.Fatal(err)
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, signed.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header = signed.SignedHeader
		response, err := f.client(tls.VersionTLS13).Do(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Body.Close(); err != nil || response.StatusCode != want {
			t.Errorf("expecting %s: %s %v, want %d", owner, response.Status, err, want)
		}
	}
}

// What the SDK sends over plain http is understood as well, where the policies let it through.
func TestPlainHTTP(t *testing.T) {
	f := newFixture(t)
	client := f.s3(&f.key, func(o *s3.Options) { o.BaseEndpoint = aws.String(f.PlainURL()) })
	ctx := t.Context()
	_, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: inside, Body: strings.NewReader("text")})
	expect(t, "where it is denied", err, "AccessDenied")
	const open = `{"Version":"2012-10-17","Statement":[
		{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:role/R"},"Action":["s3:PutObject","s3:GetObject"],"Resource":"arn:aws:s3:::shared/*"}]}`
	if err := f.world.PutBucketPolicy("shared", open); err != nil {
		t.Fatal(err)
	}
	_, err = client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: inside, Body: strings.NewReader("text")})
	expect(t, "put", err, "")
	got, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: inside})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(got.Body); err != nil || string(text) != "text" {
		t.Errorf("%q %v", text, err)
	}
	for _, access := range f.taken() {
		if access.Transport != "plain http" || access.Case.Request.Context["aws:SecureTransport"] != "false" {
			t.Errorf("%s over %s", access.Action, access.Transport)
		}
	}
}

// STS is asked with GET as well.
func TestCallerIdentityByGet(t *testing.T) {
	f := newFixture(t)
	status, body := f.send("sts", http.MethodGet, "/?Action=GetCallerIdentity&Version=2011-06-15", sha256Hex(""), "")
	if status != http.StatusOK || !strings.Contains(body, f.key.Principal) {
		t.Errorf("%d %s", status, body)
	}
}

// Each access tells the version and the prefix that it is about, the empty prefix too.
func TestConditions(t *testing.T) {
	f := newFixture(t)
	for target, want := range map[string]map[string]any{
		"/shared?list-type=2":                       {"s3:prefix": nil, "s3:delimiter": nil, "s3:max-keys": nil},
		"/shared?list-type=2&prefix=&delimiter=%2F": {"s3:prefix": "", "s3:delimiter": "/"},
		"/shared?prefix=in%2F&max-keys=3":           {"s3:prefix": "in/", "s3:max-keys": "3"},
		"/shared/in/a":                              {"s3:VersionId": nil},
		"/shared/in/a?versionId=v":                  {"s3:VersionId": "v"},
	} {
		f.taken()
		f.send("s3", http.MethodGet, target, sha256Hex(""), "", "X-Amz-Content-Sha256: "+sha256Hex(""))
		accesses := f.taken()
		if len(accesses) != 1 {
			t.Fatalf("%s: %d accesses", target, len(accesses))
		}
		for key, value := range want {
			if got := accesses[0].Case.Request.Context[key]; got != value {
				t.Errorf("%s: %s is %v, want %v", target, key, got, value)
			}
		}
	}
}
