package endpoint

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/rclone/gofakes3/signature"

	"cross-account-s3/lab/account"
)

// maxSkew is how far the clock of a signature may be off.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
const maxSkew = 15 * time.Minute

// maxPayload is more than any request to STS or Lambda has, in bytes.
const maxPayload = 8 << 20

// identify finds out who signed a request, and checks the signature. A request without one is nobody's.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
func (e *Endpoint) identify(ctx context.Context, r *request) error {
	authorization, query := r.Header.Get("Authorization"), r.URL.Query()
	var credential, token string
	switch {
	case authorization != "":
		credential, token = field(authorization, "Credential"), r.Header.Get("X-Amz-Security-Token")
	case query.Has("X-Amz-Signature"):
		credential, token, r.presigned = query.Get("X-Amz-Credential"), query.Get("X-Amz-Security-Token"), true
	default:
		return nil
	}
	scope := strings.Split(credential, "/") // access key id, date, region, service, aws4_request
	if len(scope) != 5 {
		return &Error{http.StatusForbidden, "InvalidRequest", "the request is not signed with AWS Signature Version 4"}
	}
	r.region, r.service = scope[2], scope[3]
	key, known := e.world.Key(scope[0])
	if !known {
		return &Error{http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."}
	}
	if r.service == "s3" {
		code := signature.V4SignVerifyWithLookup(r.Request, func(string) (string, bool) { return key.SecretAccessKey, true })
		if code != signature.ErrNone {
			refusal := signature.GetAPIError(code)
			return &Error{refusal.HTTPStatusCode, refusal.Code, refusal.Description}
		}
		if err := r.checkPayload(); err != nil {
			return err
		}
	} else if err := r.verify(ctx, key); err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(token), []byte(key.SessionToken)) != 1 {
		return &Error{http.StatusForbidden, "InvalidToken", "The provided token is malformed or otherwise invalid."}
	}
	r.key = &key
	return nil
}

// field is a field of an Authorization header, as Credential.
func field(authorization, name string) string {
	_, rest, _ := strings.Cut(authorization, name+"=")
	value, _, _ := strings.Cut(rest, ",")
	return strings.TrimSpace(value)
}

// verify signs a request to a service that is not S3 once more, and compares.
func (r *request) verify(ctx context.Context, key account.Key) error {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxPayload))
	if err != nil {
		return &Error{http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "the request is larger than any that the lab takes"}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if skew := r.time.Sub(signed); err != nil || skew > maxSkew || skew < -maxSkew {
		return &Error{http.StatusForbidden, "RequestExpired", "Signature expired, or the request has no date that can be read."}
	}
	again := r.Clone(ctx)
	again.Header = http.Header{}
	again.ContentLength = 0
	names := strings.Split(field(r.Header.Get("Authorization"), "SignedHeaders"), ";")
	for _, name := range names {
		switch name {
		case "host":
		case "content-length":
			again.ContentLength = r.ContentLength
		default:
			again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
		}
	}
	again.URL.Host = r.Host
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey, SessionToken: key.SessionToken}
	if err := v4.NewSigner().SignHTTP(ctx, credentials, again, hex.EncodeToString(sum[:]), r.service, r.region, signed); err != nil {
		return &Error{http.StatusForbidden, "InvalidSignatureException", err.Error()}
	}
	want, got := field(again.Header.Get("Authorization"), "Signature"), field(r.Header.Get("Authorization"), "Signature")
	if subtle.ConstantTimeCompare([]byte(want), []byte(got)) != 1 {
		return &Error{http.StatusForbidden, "InvalidSignatureException", "The signature is not that of this request and this key."}
	}
	return nil
}

var payloadHash = regexp.MustCompile(`^[0-9a-f]{64}$`)

// checkPayload compares the body of a request to S3 with the hash that was signed, where one was, and refuses the ways of signing
// bodies that the storage would take for a part of the object. The storage keeps objects in memory anyway. Of a body that is
// signed chunk by chunk, the chunks' own signatures are not checked.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
func (r *request) checkPayload() error {
	want := r.Header.Get("X-Amz-Content-Sha256")
	switch {
	case r.presigned && want == "", want == "UNSIGNED-PAYLOAD",
		want == "STREAMING-UNSIGNED-PAYLOAD-TRAILER", want == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
		return nil
	case want == "":
		return &Error{http.StatusBadRequest, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"}
	case strings.HasPrefix(want, "STREAMING-"):
		return &Error{http.StatusNotImplemented, "NotImplemented", "the lab does not read bodies that are sent as " + want}
	case !payloadHash.MatchString(want):
		message := "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, a STREAMING- value or a valid sha256 value."
		return &Error{http.StatusBadRequest, "InvalidArgument", message}
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return &Error{http.StatusBadRequest, "IncompleteBody", "the request ended before its body did"}
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != want {
		return &Error{http.StatusBadRequest, "XAmzContentSHA256Mismatch", "The body does not have the SHA-256 that was signed for it."}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}
