package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-lambda-go/lambda/messages"
	"github.com/aws/smithy-go"
)

// ErrorType is the errorType of a failed invocation, for a caller to switch on.
type ErrorType string

// The error types.
const (
	// InvalidEvent: the event is not one; nothing was asked of S3.
	InvalidEvent ErrorType = "InvalidEvent"
	// BucketNotAllowed: the event names a bucket that is not among those of the function's settings.
	BucketNotAllowed ErrorType = "BucketNotAllowed"
	// KeyNotAllowed: the event names a key outside the prefix of the function's settings.
	KeyNotAllowed ErrorType = "KeyNotAllowed"
	// AccessDenied: S3 refused; the message says which half of the grant to look at.
	AccessDenied ErrorType = "AccessDenied"
	// NoSuchKey: there is no such object or version.
	NoSuchKey ErrorType = "NoSuchKey"
	// NoSuchBucket: there is no such bucket.
	NoSuchBucket ErrorType = "NoSuchBucket"
	// PayloadTooLarge: the object does not fit a response, and the settings refuse a presigned URL.
	PayloadTooLarge ErrorType = "PayloadTooLarge"
	// Throttled: S3 asks for fewer requests; try again later.
	Throttled ErrorType = "Throttled"
	// Timeout: the function's time ran out while it waited for S3.
	Timeout ErrorType = "Timeout"
	// StorageError: anything else that S3 answered; the message has S3's own code.
	StorageError ErrorType = "StorageError"
)

// Error is a failed invocation.
type Error struct {
	Type    ErrorType
	Message string
	cause   error
}

func (e *Error) Error() string { return string(e.Type) + ": " + e.Message }

// Unwrap is what S3 or its client said, if it was asked.
func (e *Error) Unwrap() error { return e.cause }

func fail(kind ErrorType, format string, args ...any) error {
	return &Error{Type: kind, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error { return fail(InvalidEvent, format, args...) }

// forLambda is the error as the runtime passes it on, with the type in errorType.
func (e *Error) forLambda() messages.InvokeResponse_Error {
	return messages.InvokeResponse_Error{Type: string(e.Type), Message: e.Message}
}

// fromStorage is the failure behind an error of the S3 client.
func fromStorage(err error, event Event) *Error {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return &Error{Timeout, "S3 did not answer within the function's time; raise its timeout, or ask for less", err}
	}
	var answer smithy.APIError
	if !errors.As(err, &answer) {
		return &Error{StorageError, "S3 could not be reached: " + err.Error(), err}
	}
	what := fmt.Sprintf("%s of s3://%s/%s", event.Operation, event.BucketName, event.ObjectKey)
	switch answer.ErrorCode() {
	case "AccessDenied", "Forbidden", "403":
		return &Error{AccessDenied, what + " is not allowed: " + whichHalf(answer.ErrorMessage(), event), err}
	case "NoSuchKey", "NotFound", "NoSuchVersion", "404":
		return &Error{NoSuchKey, what + ": there is no such object", err}
	case "NoSuchBucket":
		return &Error{NoSuchBucket, what + ": there is no such bucket", err}
	case "SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "503":
		return &Error{Throttled, what + ": S3 asks for fewer requests, try again later", err}
	}
	return &Error{StorageError, fmt.Sprintf("%s: S3 answered %s: %s", what, answer.ErrorCode(), answer.ErrorMessage()), err}
}

// whichHalf says where to look for the reason of a refusal. S3 tells it in some of its messages
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/troubleshoot-403-errors.html).
func whichHalf(message string, event Event) string {
	const role, bucket = "the identity policy of the function's role, in the function's account", "the bucket policy, in the bucket's account"
	switch {
	case strings.Contains(message, "explicit deny in a resource-based policy"):
		return "a Deny in " + bucket + ", matches this request"
	case strings.Contains(message, "explicit deny in an identity-based policy"):
		return "a Deny in " + role + ", matches this request"
	case strings.Contains(message, "explicit deny in a service control policy"):
		return "a service control policy of the function's account denies it"
	case strings.Contains(message, "no resource-based policy allows"):
		return "check " + bucket + ": it does not allow this"
	case strings.Contains(message, "no identity-based policy allows"):
		return "check " + role + ": it does not allow this"
	}
	advice := "both halves must allow it; check " + role + ", and " + bucket
	if event.Operation == "get" || event.Operation == "head" || event.Operation == "copy" {
		advice += "; without s3:ListBucket an object that does not exist is refused in the same way"
	}
	return advice
}
