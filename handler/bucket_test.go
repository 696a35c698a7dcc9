package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
)

// TestOverHTTP runs every operation through the real S3 client against a real HTTP server.
func TestOverHTTP(t *testing.T) {
	backend := s3mem.New()
	if err := backend.CreateBucket(t.Context(), "second-bucket"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend).Server())
	defer server.Close()
	none := filepath.Join(t.TempDir(), "none") // the machine's own configuration stays out of this
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_S3": server.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_SESSION_TOKEN": "token", "AWS_CONFIG_FILE": none, "AWS_SHARED_CREDENTIALS_FILE": none,
	} {
		t.Setenv(name, value)
	}
	bucket, err := connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h, _ := newHandler(bucket, settings)
	event := func(rest string) string { return `{"bucketName":"second-bucket",` + rest + `}` }

	stored, failure := invoke(t, h, event(`"operation":"put","objectKey":"a/ü +1","data":"Grüße"`))
	if stored["eTag"] == "" || failure.Type != "" {
		t.Fatalf("put: %v, %v", stored, failure)
	}
	if copied, failure := invoke(t, h, event(`"operation":"copy","objectKey":"a/copy","sourceKey":"a/ü +1"`)); copied["eTag"] != stored["eTag"] {
		t.Errorf("copy: %v, %v", copied, failure)
	}
	if got, failure := invoke(t, h, event(`"operation":"get","objectKey":"a/copy"`)); got["data"] != "Grüße" {
		t.Errorf("get: %v, %v", got, failure)
	}
	if head, failure := invoke(t, h, event(`"operation":"head","objectKey":"a/copy"`)); head["contentLength"] != 7.0 || head["data"] != nil {
		t.Errorf("head: %v, %v", head, failure)
	}
	if list, failure := invoke(t, h, event(`"operation":"list","prefix":"a/"`)); len(list["objects"].([]any)) != 2 {
		t.Errorf("list: %v, %v", list, failure)
	}
	if _, failure := invoke(t, h, event(`"operation":"delete","objectKey":"a/copy"`)); failure.Type != "" {
		t.Errorf("delete: %v", failure)
	}
	for _, operation := range []string{"get", "head"} {
		if _, failure := invoke(t, h, event(`"operation":"`+operation+`","objectKey":"a/copy"`)); failure.Type != "NoSuchKey" {
			t.Errorf("%s of a deleted object: %v", operation, failure)
		}
	}

	body100 := strings.Repeat("a", 100)
	if _, failure := invoke(t, h, event(`"operation":"put","objectKey":"large","data":"`+body100+`"`)); failure.Type != "" {
		t.Fatal(failure)
	}
	large := &handler{settings: settings, bucket: bucket, log: h.log}
	url, err := large.instead(t.Context(), Event{BucketName: "second-bucket", ObjectKey: "large"}, &Answer{})
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || len(body) != 100 {
		t.Errorf("the presigned URL gave %d bytes, %v", len(body), err)
	}
}
