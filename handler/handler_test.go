package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

const owner = "987654321098"

var settings = Settings{Buckets: []string{"my-cross-account-bucket", "second-bucket"}, Owner: owner, PresignTTL: time.Minute}

// memory is a Bucket in memory that keeps one bucket's objects.
type memory struct {
	objects map[string][]byte
	owners  []string // the ExpectedBucketOwner of every call
	fail    error    // what every call answers, if set
	body    io.ReadCloser
	size    int64 // of body
	copied  string
}

func (m *memory) called(owner *string) error {
	m.owners = append(m.owners, aws.ToString(owner))
	return m.fail
}

func (m *memory) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	if err := m.called(in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	if m.body != nil {
		return &s3.GetObjectOutput{Body: m.body, ContentLength: &m.size, VersionId: aws.String("v7")}, nil
	}
	object, found := m.objects[*in.Key]
	if !found {
		return nil, &types.NoSuchKey{}
	}
	return &s3.GetObjectOutput{
		Body: io.NopCloser(bytes.NewReader(object)), ContentLength: aws.Int64(int64(len(object))), ContentType: aws.String("text/x"), ETag: aws.String("e"),
	}, nil
}

func (m *memory) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	if err := m.called(in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	object, err := io.ReadAll(in.Body)
	if err != nil {
		return nil, err
	}
	m.objects[*in.Key] = object
	return &s3.PutObjectOutput{ETag: aws.String("e")}, nil
}

func (m *memory) DeleteObject(_ context.Context, in *s3.DeleteObjectInput, _ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	delete(m.objects, *in.Key)
	return &s3.DeleteObjectOutput{VersionId: aws.String("marker")}, m.called(in.ExpectedBucketOwner)
}

func (m *memory) HeadObject(_ context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	if err := m.called(in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	return &s3.HeadObjectOutput{ContentLength: aws.Int64(int64(len(m.objects[*in.Key])))}, nil
}

func (m *memory) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	out := &s3.ListObjectsV2Output{}
	for _, key := range slices.Sorted(maps.Keys(m.objects)) {
		if strings.HasPrefix(key, aws.ToString(in.Prefix)) && key > aws.ToString(in.ContinuationToken) {
			if in.MaxKeys != nil && len(out.Contents) == int(*in.MaxKeys) {
				out.NextContinuationToken = out.Contents[len(out.Contents)-1].Key
				break
			}
			out.Contents = append(out.Contents, types.Object{Key: aws.String(key), Size: aws.Int64(int64(len(m.objects[key])))})
		}
	}
	return out, m.called(in.ExpectedBucketOwner)
}

func (m *memory) CopyObject(_ context.Context, in *s3.CopyObjectInput, _ ...func(*s3.Options)) (*s3.CopyObjectOutput, error) {
	m.owners = append(m.owners, aws.ToString(in.ExpectedSourceBucketOwner))
	m.copied = *in.CopySource
	return &s3.CopyObjectOutput{CopyObjectResult: &types.CopyObjectResult{ETag: aws.String("e")}}, m.called(in.ExpectedBucketOwner)
}

func (m *memory) PresignGetObject(
	_ context.Context, in *s3.GetObjectInput, _ ...func(*s3.PresignOptions),
) (*v4.PresignedHTTPRequest, error) {
	return &v4.PresignedHTTPRequest{URL: "https://signed/" + *in.Key + "?versionId=" + aws.ToString(in.VersionId)}, nil
}

var _ Bucket = (*memory)(nil)

func newHandler(bucket Bucket, settings Settings) (*handler, *bytes.Buffer) {
	log := &bytes.Buffer{}
	return &handler{settings: settings, bucket: bucket, log: slog.New(slog.NewJSONHandler(log, nil))}, log
}

// invoke hands the event over as Lambda does, and returns the answer as JSON reads it, or the type of the error.
func invoke(t *testing.T, h *handler, event string) (answer map[string]any, failure messages.InvokeResponse_Error) {
	t.Helper()
	got, err := h.Handle(t.Context(), json.RawMessage(event))
	if err != nil {
		if !errors.As(err, &failure) {
			t.Fatalf("the error is a %T, which loses its type on the way through Lambda: %v", err, err)
		}
		return nil, failure
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatal(err)
	}
	return answer, failure
}

func TestEventsOfTheGuide(t *testing.T) {
	bucket := &memory{objects: map[string][]byte{"test-files/sample.txt": []byte("sample")}}
	h, _ := newHandler(bucket, settings)
	answer, failure := invoke(t, h, `{"bucketName":"my-cross-account-bucket","objectKey":"test-files/sample.txt","operation":"get"}`)
	if answer["data"] != "sample" || answer["encoding"] != "utf8" || answer["contentLength"] != 6.0 || answer["contentType"] != "text/x" {
		t.Errorf("get answered %v, %v", answer, failure)
	}
	answer, failure = invoke(t, h,
		`{"bucketName":"my-cross-account-bucket","objectKey":"test-files/output.txt","operation":"put","data":"Hello from cross-account Lambda!"}`)
	if answer["contentLength"] != 32.0 || string(bucket.objects["test-files/output.txt"]) != "Hello from cross-account Lambda!" {
		t.Errorf("put answered %v, %v and stored %q", answer, failure, bucket.objects["test-files/output.txt"])
	}
}

func TestBinary(t *testing.T) {
	binary := []byte{0xff, 0x00, 0xfe, '\n'}
	bucket := &memory{objects: map[string][]byte{}}
	h, _ := newHandler(bucket, settings)
	encoded := base64.StdEncoding.EncodeToString(binary)
	if _, failure := invoke(t, h,
		`{"bucketName":"second-bucket","objectKey":"k","operation":"put","encoding":"base64","data":"`+encoded+`"}`); failure.Type != "" {
		t.Fatal(failure)
	}
	if !bytes.Equal(bucket.objects["k"], binary) {
		t.Fatalf("put stored %v", bucket.objects["k"])
	}
	for _, encoding := range []string{"", `,"encoding":"base64"`} {
		answer, _ := invoke(t, h, `{"bucketName":"second-bucket","objectKey":"k","operation":"get"`+encoding+`}`)
		if answer["data"] != encoded || answer["encoding"] != "base64" {
			t.Errorf("get with %q answered %v", encoding, answer)
		}
	}
}

func TestAnEmptyObjectIsPut(t *testing.T) {
	bucket := &memory{objects: map[string][]byte{}}
	h, _ := newHandler(bucket, settings)
	answer, failure := invoke(t, h, `{"bucketName":"second-bucket","objectKey":"k","operation":"put","data":""}`)
	if stored, found := bucket.objects["k"]; !found || len(stored) != 0 || answer["contentLength"] != 0.0 {
		t.Errorf("answered %v, %v", answer, failure)
	}
	answer, _ = invoke(t, h, `{"bucketName":"second-bucket","objectKey":"k","operation":"get"}`)
	if answer["data"] != "" {
		t.Errorf("get answered %v", answer)
	}
}

func TestListPages(t *testing.T) {
	bucket := &memory{objects: map[string][]byte{"a/1": nil, "a/2": nil, "a/3": nil, "b": nil}}
	h, _ := newHandler(bucket, settings)
	var keys []any
	token := ""
	for range 2 {
		answer, _ := invoke(t, h,
			`{"bucketName":"second-bucket","operation":"list","prefix":"a/","maxKeys":2,"continuationToken":"`+token+`"}`)
		for _, object := range answer["objects"].([]any) {
			keys = append(keys, object.(map[string]any)["key"])
		}
		token, _ = answer["nextContinuationToken"].(string)
	}
	if !slices.Equal(keys, []any{"a/1", "a/2", "a/3"}) || token != "" {
		t.Errorf("listed %v, and there is more: %q", keys, token)
	}
	answer, _ := invoke(t, h, `{"bucketName":"second-bucket","operation":"list","prefix":"none"}`)
	if objects, there := answer["objects"].([]any); !there || len(objects) != 0 {
		t.Errorf("nothing found is answered as %v", answer["objects"])
	}
}

func TestCopySourceIsEscaped(t *testing.T) {
	bucket := &memory{objects: map[string][]byte{}}
	h, _ := newHandler(bucket, settings)
	if _, failure := invoke(t, h,
		`{"bucketName":"second-bucket","objectKey":"k","operation":"copy","sourceKey":"a b+c/ü?","versionId":"v&1"}`); failure.Type != "" {
		t.Fatal(failure)
	}
	if want := "second-bucket/a%20b%2Bc/%C3%BC%3F?versionId=v%261"; bucket.copied != want {
		t.Errorf("copied from %s, want %s", bucket.copied, want)
	}
}

func TestEveryCallNamesTheOwner(t *testing.T) {
	bucket := &memory{objects: map[string][]byte{"k": nil}}
	h, _ := newHandler(bucket, settings)
	for _, event := range []string{
		`"get"`, `"put","data":"x"`, `"head"`, `"list"`, `"copy","sourceKey":"k"`, `"delete"`,
	} {
		if _, failure := invoke(t, h, `{"bucketName":"second-bucket","objectKey":"k","operation":`+event+`}`); failure.Type != "" {
			t.Errorf("%s: %v", event, failure)
		}
	}
	if len(bucket.owners) != 7 || slices.ContainsFunc(bucket.owners, func(named string) bool { return named != owner }) {
		t.Errorf("the calls named the owners %q", bucket.owners)
	}
}

func TestRefusedEvents(t *testing.T) {
	prefixed := settings
	prefixed.KeyPrefix = "shared/"
	for name, test := range map[string]struct {
		event    string
		settings Settings
		kind     ErrorType
		says     string
	}{
		"no JSON":            {`{`, settings, InvalidEvent, "incomplete"},
		"no object":          {`"get"`, settings, InvalidEvent, "is a JSON string"},
		"a wrong type":       {`{"operation":"get","objectKey":7}`, settings, InvalidEvent, "objectKey is a JSON number"},
		"an unknown field":   {`{"operation":"get","key":"k"}`, settings, InvalidEvent, `unknown field "key"`},
		"more text":          {`{"operation":"get"} {}`, settings, InvalidEvent, "behind the JSON object"},
		"another operation":  {`{"operation":"drop"}`, settings, InvalidEvent, `operation is "drop"`},
		"no bucket":          {`{"operation":"get","objectKey":"k"}`, settings, InvalidEvent, "bucketName is missing"},
		"a stranger's":       {`{"operation":"get","bucketName":"other","objectKey":"k"}`, settings, BucketNotAllowed, "my-cross-account-bucket"},
		"no key":             {`{"operation":"get","bucketName":"second-bucket"}`, settings, InvalidEvent, "objectKey is missing"},
		"a long key":         {`{"operation":"get","bucketName":"second-bucket","objectKey":"` + strings.Repeat("k", 1025) + `"}`, settings, InvalidEvent, "1024"},
		"a path upwards":     {`{"operation":"get","bucketName":"second-bucket","objectKey":"shared/../k"}`, prefixed, InvalidEvent, ". or .."},
		"a control":          {`{"operation":"get","bucketName":"second-bucket","objectKey":"a\u0000"}`, settings, InvalidEvent, "no text"},
		"outside the prefix": {`{"operation":"get","bucketName":"second-bucket","objectKey":"k"}`, prefixed, KeyNotAllowed, "shared/"},
		"a list outside it":  {`{"operation":"list","bucketName":"second-bucket","prefix":"s"}`, prefixed, KeyNotAllowed, "shared/"},
		"too many keys":      {`{"operation":"list","bucketName":"second-bucket","maxKeys":1001}`, settings, InvalidEvent, "1 to 1000"},
		"no data":            {`{"operation":"put","bucketName":"second-bucket","objectKey":"k"}`, settings, InvalidEvent, "data is missing"},
		"no base64": {
			`{"operation":"put","bucketName":"second-bucket","objectKey":"k","encoding":"base64","data":"secret!"}`,
			settings, InvalidEvent, "not base64",
		},
		"another encoding": {
			`{"operation":"get","bucketName":"second-bucket","objectKey":"k","encoding":"hex"}`, settings, InvalidEvent, `encoding is "hex"`,
		},
		"a copy from a stranger's": {
			`{"operation":"copy","bucketName":"second-bucket","objectKey":"k","sourceBucketName":"other","sourceKey":"k"}`,
			settings, BucketNotAllowed, "sourceBucketName",
		},
		"a copy from outside the prefix": {
			`{"operation":"copy","bucketName":"second-bucket","objectKey":"shared/k","sourceKey":"k"}`, prefixed, KeyNotAllowed, "sourceKey",
		},
	} {
		t.Run(name, func(t *testing.T) {
			bucket := &memory{objects: map[string][]byte{}}
			h, _ := newHandler(bucket, test.settings)
			_, failure := invoke(t, h, test.event)
			if failure.Type != string(test.kind) || !strings.Contains(failure.Message, test.says) {
				t.Errorf("got %s: %s", failure.Type, failure.Message)
			}
			if len(bucket.owners) != 0 {
				t.Error("S3 was asked all the same")
			}
		})
	}
}

func TestAPrefixIsListedByDefault(t *testing.T) {
	prefixed := settings
	prefixed.KeyPrefix = "shared/"
	h, _ := newHandler(&memory{objects: map[string][]byte{"shared/k": nil, "other": nil}}, prefixed)
	answer, _ := invoke(t, h, `{"operation":"list","bucketName":"second-bucket"}`)
	if objects := answer["objects"].([]any); len(objects) != 1 {
		t.Errorf("listed %v", objects)
	}
}

// unread fails the test when it is read.
type unread struct {
	t      *testing.T
	closed bool
}

func (u *unread) Read([]byte) (int, error) {
	u.t.Error("the body of an object that does not fit is read")
	return 0, io.EOF
}

func (u *unread) Close() error {
	u.closed = true
	return nil
}

func TestAnObjectThatDoesNotFit(t *testing.T) {
	body := &unread{t: t}
	bucket := &memory{body: body, size: 1 << 30}
	h, _ := newHandler(bucket, settings)
	// A URL of a version needs s3:GetObjectVersion, which getting the object does not.
	versioned, _ := invoke(t, h, `{"operation":"get","bucketName":"second-bucket","objectKey":"k","versionId":"v6"}`)
	if versioned["url"] != "https://signed/k?versionId=v6" {
		t.Errorf("a version: %v", versioned)
	}
	answer, failure := invoke(t, h, `{"operation":"get","bucketName":"second-bucket","objectKey":"k"}`)
	if answer["url"] != "https://signed/k?versionId=" || answer["data"] != nil || answer["contentLength"] != float64(1<<30) || !body.closed {
		t.Errorf("answered %v, %v", answer, failure)
	}
	expires, err := time.Parse(time.RFC3339, answer["expiresAt"].(string))
	if err != nil || time.Until(expires) > settings.PresignTTL {
		t.Errorf("expires at %v", answer["expiresAt"])
	}

	refusing := settings
	refusing.Refuse = true
	h, _ = newHandler(bucket, refusing)
	if _, failure := invoke(t, h, `{"operation":"get","bucketName":"second-bucket","objectKey":"k"}`); failure.Type != "PayloadTooLarge" {
		t.Errorf("got %v", failure)
	}
}

func TestWhatFitsInOneEncodingOnly(t *testing.T) {
	for name, test := range map[string]struct {
		object []byte
		event  string
		inline bool
	}{
		"text":                      {bytes.Repeat([]byte("a"), 6_000_000), ``, true},
		"text that JSON escapes":    {bytes.Repeat([]byte{1}, 2_000_000), ``, false},
		"text as base64":            {bytes.Repeat([]byte("a"), 6_000_000), `,"encoding":"base64"`, false},
		"binary":                    {bytes.Repeat([]byte{0xff}, 4_700_000), ``, true},
		"binary that is too long":   {bytes.Repeat([]byte{0xff}, 4_800_000), ``, false},
		"a short object as base64":  {bytes.Repeat([]byte("a"), 4_700_000), `,"encoding":"base64"`, true},
		"just under, but as base64": {bytes.Repeat([]byte("a"), 4_720_000), `,"encoding":"base64"`, false},
	} {
		t.Run(name, func(t *testing.T) {
			h, _ := newHandler(&memory{objects: map[string][]byte{"k": test.object}}, settings)
			got, err := h.Handle(t.Context(), json.RawMessage(`{"operation":"get","bucketName":"second-bucket","objectKey":"k"`+test.event+`}`))
			if err != nil {
				t.Fatal(err)
			}
			if inline := got.Data != nil; inline != test.inline || inline == (got.URL != "") {
				t.Errorf("inline %v, url %q", inline, got.URL)
			}
			if text, err := json.Marshal(got); err != nil || len(text) > largestResponse {
				t.Errorf("the answer has %d bytes, %v", len(text), err)
			}
		})
	}
}

func TestFailuresOfS3(t *testing.T) {
	answered := func(code, message string) error { return &smithy.GenericAPIError{Code: code, Message: message} }
	for name, test := range map[string]struct {
		err  error
		kind ErrorType
		says string
	}{
		"the bucket policy is silent": {
			answered("AccessDenied", "User: x is not authorized because no resource-based policy allows the s3:GetObject action"),
			AccessDenied, "check the bucket policy",
		},
		"the role's policy is silent": {
			answered("AccessDenied", "because no identity-based policy allows the s3:GetObject action"), AccessDenied, "check the identity policy",
		},
		"the bucket policy denies": {
			answered("AccessDenied", "with an explicit deny in a resource-based policy"), AccessDenied, "a Deny in the bucket policy",
		},
		"no word of the half": {answered("AccessDenied", "Access Denied"), AccessDenied, "without s3:ListBucket"},
		"head has no code":    {answered("Forbidden", ""), AccessDenied, "both halves"},
		"no such key":         {&types.NoSuchKey{}, NoSuchKey, "no such object"},
		"head's not found":    {&types.NotFound{}, NoSuchKey, "no such object"},
		"no such bucket":      {answered("NoSuchBucket", ""), NoSuchBucket, "no such bucket"},
		"throttled":           {answered("SlowDown", ""), Throttled, "fewer requests"},
		"out of time":         {context.DeadlineExceeded, Timeout, "within the function's time"},
		"another answer":      {answered("InvalidStorageClass", "no"), StorageError, "InvalidStorageClass"},
		"no answer":           {errors.New("connection refused"), StorageError, "could not be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			h, log := newHandler(&memory{fail: test.err}, settings)
			_, failure := invoke(t, h, `{"operation":"get","bucketName":"second-bucket","objectKey":"k"}`)
			if failure.Type != string(test.kind) || !strings.Contains(failure.Message, test.says) {
				t.Errorf("got %s: %s", failure.Type, failure.Message)
			}
			if !strings.Contains(log.String(), `"errorType":"`+string(test.kind)+`"`) {
				t.Errorf("logged %s", log)
			}
		})
	}
}

// slow waits for the context to end, as a request does that nobody answers.
type slow struct{ memory }

func (*slow) GetObject(ctx context.Context, _ *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestTheAnswerComesBeforeTheTimeIsUp(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), margin+50*time.Millisecond)
	defer cancel()
	h, _ := newHandler(&slow{}, settings)
	_, err := h.Handle(ctx, json.RawMessage(`{"operation":"get","bucketName":"second-bucket","objectKey":"k"}`))
	var failure messages.InvokeResponse_Error
	if !errors.As(err, &failure) || failure.Type != string(Timeout) || ctx.Err() != nil {
		t.Errorf("got %v, and the function's own time: %v", err, ctx.Err())
	}
}

func TestNothingOfTheDataIsLogged(t *testing.T) {
	h, log := newHandler(&memory{objects: map[string][]byte{"k": []byte("secret-object")}}, settings)
	for _, event := range []string{
		`{"operation":"put","bucketName":"second-bucket","objectKey":"new","data":"secret-data"}`,
		`{"operation":"get","bucketName":"second-bucket","objectKey":"k"}`,
		`{"operation":"put","bucketName":"second-bucket","objectKey":"k","encoding":"base64","data":"secret!"}`,
		`{"operation":"put","bucketName":"second-bucket","objectKey":"k","data":"secret`,
		`{"operation":"put","bucketName":"second-bucket","objectKey":"k","data":{"x":"secret"}}`,
	} {
		_, failure := invoke(t, h, event)
		if strings.Contains(failure.Message, "secret") {
			t.Errorf("the error quotes the data: %s", failure.Message)
		}
	}
	if strings.Contains(log.String(), "secret") {
		t.Errorf("logged %s", log)
	}
	for _, field := range []string{`"operation":"put"`, `"bucket":"second-bucket"`, `"key":"new"`, `"dataLength":11`, `"contentLength":13`} {
		if !strings.Contains(log.String(), field) {
			t.Errorf("%s is not logged: %s", field, log)
		}
	}
}

func TestSettings(t *testing.T) {
	good := map[string]string{
		"BUCKETS": "my-cross-account-bucket, second-bucket", "BUCKET_OWNER": owner, "KEY_PREFIX": "shared/", "OVERSIZE": "refuse",
		"PRESIGN_TTL": "1h", "AWS_REGION": "us-east-1",
	}
	read, err := readSettings(func(name string) string { return good[name] })
	want := Settings{Buckets: settings.Buckets, Owner: owner, KeyPrefix: "shared/", Refuse: true, PresignTTL: time.Hour}
	if err != nil || !slices.Equal(read.Buckets, want.Buckets) || read.Owner != want.Owner || read.KeyPrefix != want.KeyPrefix ||
		!read.Refuse || read.PresignTTL != want.PresignTTL {
		t.Errorf("read %+v, %v", read, err)
	}

	bad := map[string]string{"BUCKETS": "My_Bucket", "BUCKET_OWNER": "1", "OVERSIZE": "maybe", "PRESIGN_TTL": "13h"}
	_, err = readSettings(func(name string) string { return bad[name] })
	if err == nil {
		t.Fatal("no error")
	}
	for _, named := range []string{`BUCKETS is "My_Bucket"`, `BUCKET_OWNER is "1"`, `OVERSIZE is "maybe"`, `PRESIGN_TTL is "13h"`, "AWS_REGION"} {
		if !strings.Contains(err.Error(), named) {
			t.Errorf("%q does not say %s", err, named)
		}
	}
}
