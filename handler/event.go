package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Event is what the function is invoked with.
type Event struct {
	// Operation is get, put, delete, head, list or copy.
	Operation string `json:"operation"`
	// BucketName is one of the buckets that the function may use.
	BucketName string `json:"bucketName"`
	// ObjectKey is the object; list has none.
	ObjectKey string `json:"objectKey"`
	// VersionID asks get, head, delete and the source of copy for one version.
	VersionID string `json:"versionId"`

	// Data is what put stores; it may be empty but not absent.
	Data *string `json:"data"`
	// Encoding says how Data is written here, utf8 (the default) or base64, and asks the same of get. Without it, get answers in
	// base64 what is not UTF-8.
	Encoding string `json:"encoding"`
	// ContentType is what put stores the object as.
	ContentType string `json:"contentType"`

	// Prefix, MaxKeys (1 to 1000) and ContinuationToken (of the previous answer) are for list.
	Prefix            string `json:"prefix"`
	MaxKeys           *int32 `json:"maxKeys"`
	ContinuationToken string `json:"continuationToken"`

	// SourceKey is what copy copies, from SourceBucketName or, without it, within BucketName.
	SourceKey        string `json:"sourceKey"`
	SourceBucketName string `json:"sourceBucketName"`
}

// Answer is what the function answers. Fields that do not belong to the operation are left out.
type Answer struct {
	Operation     string  `json:"operation"`
	Bucket        string  `json:"bucket"`
	Key           string  `json:"key,omitempty"`
	ContentLength *int64  `json:"contentLength,omitempty"`
	ContentType   string  `json:"contentType,omitempty"`
	ETag          string  `json:"eTag,omitempty"`
	VersionID     string  `json:"versionId,omitempty"`
	Data          *string `json:"data,omitempty"`
	Encoding      string  `json:"encoding,omitempty"`

	// URL and ExpiresAt (RFC 3339) stand in for Data that does not fit a response.
	URL       string `json:"url,omitempty"`
	ExpiresAt string `json:"expiresAt,omitempty"`

	// Objects is a page of a list, NextContinuationToken is there when another follows.
	Objects               []Object `json:"objects,omitzero"`
	NextContinuationToken string   `json:"nextContinuationToken,omitempty"`
}

// Object is one entry of a list.
type Object struct {
	Key          string `json:"key"`
	Size         int64  `json:"size"`
	ETag         string `json:"eTag,omitempty"`
	LastModified string `json:"lastModified,omitempty"`
}

const (
	utf8Encoding   = "utf8"
	base64Encoding = "base64"

	longestKey = 1024 // bytes, https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
	mostKeys   = 1000 // https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
)

// readEvent reads an event and checks it against the settings, so that nothing that is wrong with it reaches S3. Its errors do not
// quote the data.
func readEvent(text []byte, settings Settings) (Event, error) {
	var event Event
	decoder := json.NewDecoder(bytes.NewReader(text))
	// A misspelt optional field would otherwise be ignored without a word.
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&event); err != nil {
		return event, invalid("%s", describeJSON(err))
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return event, invalid("there is text behind the JSON object")
	}

	if !slices.Contains([]string{"get", "put", "delete", "head", "list", "copy"}, event.Operation) {
		return event, invalid("operation is %q, expected get, put, delete, head, list or copy", event.Operation)
	}
	if err := checkBucket("bucketName", event.BucketName, settings); err != nil {
		return event, err
	}
	if event.Operation == "list" {
		return event, event.checkList(settings)
	}
	if err := checkKey("objectKey", event.ObjectKey, settings); err != nil {
		return event, err
	}
	switch event.Encoding {
	case "", utf8Encoding, base64Encoding:
	default:
		return event, invalid("encoding is %q, expected %q or %q", event.Encoding, utf8Encoding, base64Encoding)
	}
	switch {
	case event.Operation == "put" && event.Data == nil:
		return event, invalid("data is missing; an empty object is put with an empty text")
	case event.Operation == "copy":
		if event.SourceBucketName == "" {
			event.SourceBucketName = event.BucketName
		}
		if err := checkBucket("sourceBucketName", event.SourceBucketName, settings); err != nil {
			return event, err
		}
		return event, checkKey("sourceKey", event.SourceKey, settings)
	}
	return event, nil
}

func (e *Event) checkList(settings Settings) error {
	if e.Prefix == "" {
		e.Prefix = settings.KeyPrefix
	}
	if !strings.HasPrefix(e.Prefix, settings.KeyPrefix) {
		return fail(KeyNotAllowed, "prefix %q does not begin with %q, which this function keeps to", e.Prefix, settings.KeyPrefix)
	}
	if e.MaxKeys != nil && (*e.MaxKeys < 1 || *e.MaxKeys > mostKeys) {
		return invalid("maxKeys is %d, expected 1 to %d", *e.MaxKeys, mostKeys)
	}
	return nil
}

func checkBucket(field, name string, settings Settings) error {
	if name == "" {
		return invalid("%s is missing", field)
	}
	if !slices.Contains(settings.Buckets, name) {
		return fail(BucketNotAllowed, "%s %q is not one that this function may use: %s", field, name, strings.Join(settings.Buckets, ", "))
	}
	return nil
}

func checkKey(field, key string, settings Settings) error {
	switch {
	case key == "":
		return invalid("%s is missing", field)
	case len(key) > longestKey:
		return invalid("%s has %d bytes, and S3 takes %d at most", field, len(key), longestKey)
	case !utf8.ValidString(key) || strings.ContainsFunc(key, unicode.IsControl):
		return invalid("%s has characters that are no text", field)
	case slices.ContainsFunc(strings.Split(key, "/"), func(part string) bool { return part == "." || part == ".." }):
		// Tools and proxies resolve such a path; what it names is then another object, perhaps outside the prefix.
		return invalid("%s has a part that is . or ..", field)
	case !strings.HasPrefix(key, settings.KeyPrefix):
		return fail(KeyNotAllowed, "%s %q does not begin with %q, which this function keeps to", field, key, settings.KeyPrefix)
	}
	return nil
}

// body is the data of a put as bytes.
func (e Event) body() ([]byte, error) {
	if e.Encoding != base64Encoding {
		return []byte(*e.Data), nil
	}
	body, err := base64.StdEncoding.DecodeString(*e.Data)
	if err != nil {
		// The error of the decoder quotes nothing but a position.
		return nil, invalid("data is not base64: %v", err)
	}
	return body, nil
}

// describeJSON says what is wrong with the event's JSON without quoting from it.
func describeJSON(err error) string {
	var wrongType *json.UnmarshalTypeError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &wrongType) && wrongType.Field != "":
		return fmt.Sprintf("%s is a JSON %s, expected a %s", wrongType.Field, wrongType.Value, wrongType.Type)
	case errors.As(err, &wrongType):
		return "the event is a JSON " + wrongType.Value + ", expected an object"
	case errors.As(err, &syntax):
		return fmt.Sprintf("the event is not JSON, at byte %d", syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the event is empty or incomplete"
	}
	// json: unknown field "…"
	return strings.TrimPrefix(err.Error(), "json: ")
}
