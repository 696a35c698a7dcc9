package endpoint

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"cross-account-s3/lab/account"
)

// checkLock refuses to delete a version that is locked. A lock of governance gives way to those who ask for it and may.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-managing.html#object-lock-managing-bypass
func (e *Endpoint) checkLock(ctx context.Context, r *request, bucket, key, version string, conditions map[string]any) error {
	if version == "" || version == nullVersion {
		return nil // A delete marker hides the versions, and they stay.
	}
	lock := e.world.LockOf(bucket, key, version)
	if !e.world.Holds(lock) {
		return nil
	}
	if bypass, _ := strconv.ParseBool(r.Header.Get("X-Amz-Bypass-Governance-Retention")); bypass && lock.Mode == "GOVERNANCE" {
		bypassing := ask{action: "s3:BypassGovernanceRetention", arn: bucketARN(bucket) + "/" + key, version: version}
		return e.authorize(ctx, r, []ask{bypassing}, conditions)
	}
	return &Error{http.StatusForbidden, "AccessDenied", "Access Denied because object protected by object lock."}
}

// logAccess has S3 write a line about a request into the bucket that the bucket's logs go to, where that one's policy lets it. S3 gathers
// lines for hours; the lab writes each at once.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
func (e *Endpoint) logAccess(ctx context.Context, r *request, bucket account.Bucket, failure *Error) error {
	requester, code := "-", "-"
	if r.key != nil {
		requester = r.key.Principal
	}
	if failure.Code != "" {
		code = failure.Code
	}
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	line := fmt.Sprintf("%s %s [%s] 127.0.0.1 %s %s REST.%s.%s %s \"%s\" %d %s\n", bucket.Account, bucket.Name,
		r.time.Format("02/Jan/2006:15:04:05 -0700"), requester, r.id, r.Method, map[bool]string{true: "BUCKET", false: "OBJECT"}[key == ""],
		orDash(key), r.Method+" "+r.URL.Path+" "+r.Proto, failure.Status, code)
	return e.world.WriteAccessLog(ctx, bucket, line)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
