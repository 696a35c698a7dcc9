package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	// largestResponse is what Lambda takes as a response, in bytes
	// (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
	largestResponse = 6_291_556
	// reserve is what an answer takes besides its data, the longest key included.
	reserve = 8 << 10
	// margin is left of the function's time to answer that it ran out.
	margin = 200 * time.Millisecond
)

// handler answers events. It is safe for concurrent use.
type handler struct {
	settings Settings
	bucket   Bucket
	log      *slog.Logger
}

// Handle is what Lambda calls. A failure is a messages.InvokeResponse_Error, whose type is an ErrorType.
func (h *handler) Handle(ctx context.Context, text json.RawMessage) (*Answer, error) {
	begin := time.Now()
	event, err := readEvent(text, h.settings)
	var answer *Answer
	if err == nil {
		answer, err = h.answer(ctx, event)
	}
	h.report(ctx, event, answer, err, time.Since(begin))
	if err != nil {
		var failure *Error
		if !errors.As(err, &failure) {
			failure = fromStorage(err, event)
		}
		return nil, failure.forLambda()
	}
	return answer, nil
}

// report writes one line about the invocation: what was asked, how much went in and out, how it ended, and nothing of the data.
func (h *handler) report(ctx context.Context, event Event, answer *Answer, err error, took time.Duration) {
	fields := []slog.Attr{
		slog.String("operation", event.Operation),
		slog.String("bucket", event.BucketName),
		slog.String("key", event.ObjectKey),
		slog.Duration("took", took),
	}
	if event.Data != nil {
		fields = append(fields, slog.Int("dataLength", len(*event.Data)))
	}
	if err != nil {
		kind := StorageError
		var failure *Error
		if errors.As(err, &failure) {
			kind = failure.Type
		}
		fields = append(fields, slog.String("errorType", string(kind)), slog.String("error", err.Error()))
		h.log.LogAttrs(ctx, slog.LevelError, "failed", fields...)
		return
	}
	if answer.ContentLength != nil {
		fields = append(fields, slog.Int64("contentLength", *answer.ContentLength))
	}
	fields = append(fields, slog.Bool("presigned", answer.URL != ""), slog.Int("objects", len(answer.Objects)))
	h.log.LogAttrs(ctx, slog.LevelInfo, "done", fields...)
}

// answer asks S3 within the function's time.
func (h *handler) answer(ctx context.Context, event Event) (*Answer, error) {
	if deadline, limited := ctx.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-margin))
		defer cancel()
	}
	operation := map[string]func(context.Context, Event) (*Answer, error){
		"get": h.get, "put": h.put, "delete": h.delete, "head": h.head, "list": h.list, "copy": h.copy,
	}[event.Operation]
	answer, err := operation(ctx, event)
	if err != nil {
		var failure *Error
		if errors.As(err, &failure) {
			return nil, failure
		}
		return nil, fromStorage(err, event)
	}
	answer.Operation, answer.Bucket, answer.Key = event.Operation, event.BucketName, event.ObjectKey
	return answer, nil
}

func (h *handler) get(ctx context.Context, event Event) (*Answer, error) {
	object, err := h.bucket.GetObject(ctx, &s3.GetObjectInput{
		Bucket: &event.BucketName, Key: &event.ObjectKey, VersionId: optional(event.VersionID), ExpectedBucketOwner: &h.settings.Owner,
	})
	if err != nil {
		return nil, err
	}
	defer object.Body.Close()
	answer := &Answer{
		ContentLength: object.ContentLength,
		ContentType:   aws.ToString(object.ContentType),
		ETag:          aws.ToString(object.ETag),
		VersionID:     aws.ToString(object.VersionId),
	}
	// What surely does not fit is never read: closing the body ends the transfer.
	if object.ContentLength == nil || !mayFit(*object.ContentLength, event.Encoding) {
		return h.instead(ctx, event, answer)
	}
	data, err := io.ReadAll(io.LimitReader(object.Body, *object.ContentLength))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != *object.ContentLength {
		return nil, io.ErrUnexpectedEOF
	}
	if !answer.carry(data, event.Encoding) {
		return h.instead(ctx, event, answer)
	}
	return answer, nil
}

// mayFit says whether an object of this size can fit a response at all. Text can still turn out to be too long, as JSON writes some
// characters with up to six.
func mayFit(size int64, encoding string) bool {
	if encoding == base64Encoding {
		size = int64(base64.StdEncoding.EncodedLen(int(min(size, largestResponse))))
	}
	return size <= largestResponse-reserve
}

// carry puts the data into the answer, and says whether the answer fits a response then. Text stays text; what is none is carried in
// base64, because JSON would replace its bytes.
func (a *Answer) carry(data []byte, encoding string) bool {
	text := string(data)
	a.Encoding = utf8Encoding
	if encoding == base64Encoding || !utf8.Valid(data) {
		a.Encoding, text = base64Encoding, base64.StdEncoding.EncodeToString(data)
	}
	a.Data = &text
	written, err := json.Marshal(a)
	if err != nil || len(written) > largestResponse-reserve {
		a.Data, a.Encoding = nil, ""
		return false
	}
	return true
}

// instead answers with a URL in place of the data, or refuses.
func (h *handler) instead(ctx context.Context, event Event, answer *Answer) (*Answer, error) {
	if h.settings.Refuse {
		return nil, fail(PayloadTooLarge, "s3://%s/%s has %d bytes, and a response of Lambda takes %d at most",
			event.BucketName, event.ObjectKey, aws.ToInt64(answer.ContentLength), largestResponse)
	}
	// The owner, which has just been checked, is not signed: whoever uses the URL would have to send it as a header. The version is
	// signed only if the event names one, because that needs another permission, s3:GetObjectVersion.
	signed, err := h.bucket.PresignGetObject(ctx, &s3.GetObjectInput{
		Bucket: &event.BucketName, Key: &event.ObjectKey, VersionId: optional(event.VersionID),
	}, s3.WithPresignExpires(h.settings.PresignTTL))
	if err != nil {
		return nil, err
	}
	answer.URL = signed.URL
	answer.ExpiresAt = time.Now().Add(h.settings.PresignTTL).UTC().Format(time.RFC3339)
	return answer, nil
}

func (h *handler) put(ctx context.Context, event Event) (*Answer, error) {
	body, err := event.body()
	if err != nil {
		return nil, err
	}
	contentType := event.ContentType
	switch {
	case contentType != "":
	case event.Encoding == base64Encoding:
		contentType = "application/octet-stream"
	default:
		contentType = "text/plain; charset=utf-8"
	}
	stored, err := h.bucket.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &event.BucketName, Key: &event.ObjectKey, ExpectedBucketOwner: &h.settings.Owner,
		Body: bytes.NewReader(body), ContentLength: aws.Int64(int64(len(body))), ContentType: &contentType,
	})
	if err != nil {
		return nil, err
	}
	return &Answer{
		ContentLength: aws.Int64(int64(len(body))), ContentType: contentType,
		ETag: aws.ToString(stored.ETag), VersionID: aws.ToString(stored.VersionId),
	}, nil
}

func (h *handler) delete(ctx context.Context, event Event) (*Answer, error) {
	deleted, err := h.bucket.DeleteObject(ctx, &s3.DeleteObjectInput{
		Bucket: &event.BucketName, Key: &event.ObjectKey, VersionId: optional(event.VersionID), ExpectedBucketOwner: &h.settings.Owner,
	})
	if err != nil {
		return nil, err
	}
	return &Answer{VersionID: aws.ToString(deleted.VersionId)}, nil
}

func (h *handler) head(ctx context.Context, event Event) (*Answer, error) {
	object, err := h.bucket.HeadObject(ctx, &s3.HeadObjectInput{
		Bucket: &event.BucketName, Key: &event.ObjectKey, VersionId: optional(event.VersionID), ExpectedBucketOwner: &h.settings.Owner,
	})
	if err != nil {
		return nil, err
	}
	return &Answer{
		ContentLength: object.ContentLength, ContentType: aws.ToString(object.ContentType),
		ETag: aws.ToString(object.ETag), VersionID: aws.ToString(object.VersionId),
	}, nil
}

func (h *handler) list(ctx context.Context, event Event) (*Answer, error) {
	page, err := h.bucket.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: &event.BucketName, Prefix: optional(event.Prefix), MaxKeys: event.MaxKeys,
		ContinuationToken: optional(event.ContinuationToken), ExpectedBucketOwner: &h.settings.Owner,
	})
	if err != nil {
		return nil, err
	}
	answer := &Answer{NextContinuationToken: aws.ToString(page.NextContinuationToken), Objects: []Object{}}
	for _, object := range page.Contents {
		entry := Object{Key: aws.ToString(object.Key), Size: aws.ToInt64(object.Size), ETag: aws.ToString(object.ETag)}
		if object.LastModified != nil {
			entry.LastModified = object.LastModified.UTC().Format(time.RFC3339)
		}
		answer.Objects = append(answer.Objects, entry)
	}
	return answer, nil
}

func (h *handler) copy(ctx context.Context, event Event) (*Answer, error) {
	// A plus sign is legal in a path, but S3 would read it as a space here.
	source := strings.ReplaceAll((&url.URL{Path: event.SourceBucketName + "/" + event.SourceKey}).EscapedPath(), "+", "%2B")
	if event.VersionID != "" {
		source += "?versionId=" + url.QueryEscape(event.VersionID)
	}
	copied, err := h.bucket.CopyObject(ctx, &s3.CopyObjectInput{
		Bucket: &event.BucketName, Key: &event.ObjectKey, CopySource: &source,
		ExpectedBucketOwner: &h.settings.Owner, ExpectedSourceBucketOwner: &h.settings.Owner,
	})
	if err != nil {
		return nil, err
	}
	answer := &Answer{VersionID: aws.ToString(copied.VersionId)}
	if copied.CopyObjectResult != nil {
		answer.ETag = aws.ToString(copied.CopyObjectResult.ETag)
	}
	return answer, nil
}

// optional leaves an empty text out of a request.
func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
