package endpoint

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strings"
	"time"

	"cross-account-s3/lab/account"
	"cross-account-s3/policy"
)

// watched notes the status of an answer on its way.
type watched struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status and passes it on.
func (w *watched) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is the writer behind it, for http.ResponseController.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// watchS3 serves a request to S3, and has it recorded, logged and counted before an error is answered.
func (e *Endpoint) watchS3(ctx context.Context, w http.ResponseWriter, r *request) error {
	answer := &watched{w, http.StatusOK}
	err := e.enter(ctx, r)
	if err == nil {
		err = e.serveS3(ctx, answer, r)
	}
	failure := &Error{Status: answer.status}
	switch {
	case err != nil:
		failure = known(err)
	case answer.status >= http.StatusBadRequest:
		// What gofakes3 refuses after it has been decided: what is not there, or not as it should be.
		failure.Code = map[int]string{http.StatusNotFound: "NoSuchKey", http.StatusPreconditionFailed: "PreconditionFailed"}[answer.status]
	}
	bucket, missing := e.world.Bucket(strings.Split(strings.TrimPrefix(r.URL.Path, "/"), "/")[0])
	if missing != nil {
		return err
	}
	return errors.Join(err, e.record(ctx, r, bucket, failure), e.logAccess(ctx, r, bucket, failure), e.countS3(ctx, r, bucket, failure.Status))
}

// countS3 adds a request to the metrics of its bucket, which there are only for those that ask for them.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html
func (e *Endpoint) countS3(ctx context.Context, r *request, bucket account.Bucket, status int) error {
	counts := map[string]bool{
		"AllRequests": true, "4xxErrors": status/100 == 4, "5xxErrors": status/100 == 5,
		"GetRequests": r.Method == http.MethodGet, "PutRequests": r.Method == http.MethodPut, "DeleteRequests": r.Method == http.MethodDelete,
	}
	for configuration := range bucket.Configurations {
		filter, isMetrics := strings.CutPrefix(configuration, account.RequestMetrics)
		if !isMetrics {
			continue
		}
		for name, counted := range counts {
			value := 0.0
			if counted {
				value = 1
			}
			if err := e.world.Measure(ctx, account.Metric{
				Account: bucket.Account, Region: bucket.Region, Namespace: "AWS/S3", Name: name,
				Dimensions: map[string]string{"BucketName": bucket.Name, "FilterId": filter},
			}, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// countInvocation adds an invocation to the metrics of its function.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
func (e *Endpoint) countInvocation(ctx context.Context, function account.Function, began time.Time, answer Invocation, err error) error {
	values := map[string]float64{"Invocations": 1, "Errors": 0, "Duration": float64(time.Since(began).Microseconds()) / 1000}
	if answer.FunctionError != "" {
		values["Errors"] = 1
	}
	if err != nil {
		if known(err).Status != http.StatusTooManyRequests {
			return nil // It did not come to an invocation.
		}
		values = map[string]float64{"Throttles": 1}
	}
	for name, value := range values {
		if err := e.world.Measure(ctx, account.Metric{
			Account: function.Account, Region: function.Region, Namespace: "AWS/Lambda", Name: name,
			Dimensions: map[string]string{"FunctionName": function.Name},
		}, value); err != nil {
			return err
		}
	}
	return nil
}

// dataEvents are S3's calls on objects as CloudTrail names them, by method, by whether there is a key, and by sub-resource.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
var dataEvents = map[string]string{
	"GET bucket": "ListObjects", "HEAD bucket": "HeadBucket", "GET bucket versions": "ListObjectVersions",
	"GET bucket uploads": "ListMultipartUploads", "POST bucket delete": "DeleteObjects",
	"GET object": "GetObject", "HEAD object": "HeadObject", "PUT object": "PutObject", "DELETE object": "DeleteObject",
	"GET object attributes": "GetObjectAttributes", "GET object tagging": "GetObjectTagging", "PUT object tagging": "PutObjectTagging",
	"DELETE object tagging": "DeleteObjectTagging", "GET object uploadId": "ListParts", "DELETE object uploadId": "AbortMultipartUpload",
	"POST object uploads": "CreateMultipartUpload", "POST object uploadId": "CompleteMultipartUpload", "PUT object uploadId": "UploadPart",
}

// record has the trails that select the request's object write a record of it. An event that CloudTrail has no data event for, or that
// nobody has found a name for, is not recorded.
//
// Source: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func (e *Endpoint) record(ctx context.Context, r *request, bucket account.Bucket, failure *Error) error {
	_, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	what := "object"
	if key == "" {
		what = "bucket"
	}
	name := dataEvents[strings.TrimSpace(r.Method+" "+what+" "+subresource(r.URL.Query()))]
	parameters := map[string]any{"bucketName": bucket.Name}
	if key != "" {
		parameters["key"] = key
	}
	for parameter, value := range map[string]string{
		"prefix": r.URL.Query().Get("prefix"), "versionId": r.URL.Query().Get("versionId"),
		"x-amz-copy-source": r.Header.Get("X-Amz-Copy-Source"), "x-amz-acl": r.Header.Get("X-Amz-Acl"),
		"x-amz-tagging": r.Header.Get("X-Amz-Tagging"),
	} {
		if value != "" {
			parameters[parameter] = value
		}
	}
	if _, copies := parameters["x-amz-copy-source"]; copies {
		name = map[string]string{"PutObject": "CopyObject", "UploadPart": "UploadPartCopy"}[name]
	}
	if name == "" {
		return nil
	}
	arn := bucketARN(bucket.Name) + "/" + key
	object := map[string]any{"type": "AWS::S3::Object", "ARN": arn}
	if key == "" {
		object = map[string]any{"type": "AWS::S3::Object", "ARNPrefix": arn}
	}
	record := map[string]any{
		"eventVersion": "1.11", "eventTime": r.time.Format(time.RFC3339), "eventSource": "s3.amazonaws.com", "eventName": name,
		"awsRegion": bucket.Region, "sourceIPAddress": "127.0.0.1", "userAgent": r.UserAgent(), "requestParameters": parameters,
		"requestID": r.id, "eventType": "AwsApiCall", "managementEvent": false, "eventCategory": "Data",
		"readOnly":  r.Method == http.MethodGet || r.Method == http.MethodHead,
		"resources": []any{object, map[string]any{"type": "AWS::S3::Bucket", "ARN": bucketARN(bucket.Name), "accountId": bucket.Account}},
	}
	if r.point != nil {
		record["resources"] = append(record["resources"].([]any), map[string]any{
			"type": "AWS::S3::AccessPoint", "ARN": r.point.ARN(), "accountId": r.point.Account,
		})
	}
	more := map[string]any{}
	if r.key != nil {
		more["SignatureVersion"] = "SigV4"
	}
	if r.TLS != nil {
		record["tlsDetails"] = map[string]any{"tlsVersion": "TLSv" + tlsVersion(r.TLS.Version)}
		more["CipherSuite"] = "TLS"
	}
	record["additionalEventData"] = more
	if behind := r.behind(); behind != nil {
		record["vpcEndpointId"] = behind.ID
	}
	if failure.Code != "" {
		record["errorCode"], record["errorMessage"] = failure.Code, failure.Message
	}
	accounts := []string{bucket.Account}
	if r.key != nil {
		accounts = append(accounts, r.key.Account())
	}
	return e.world.Record(ctx, bucket.Region, arn, accounts, func(recipient string) map[string]any {
		record["recipientAccountId"], record["eventID"], record["userIdentity"] = recipient, rand.Text(), userIdentity(r.key, recipient)
		return record
	})
}

// userIdentity is who made a call, as a trail of an account sees it: of somebody of another account only the unique id.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html#cloudtrail-object-level-crossaccount
func userIdentity(key *account.Key, recipient string) map[string]any {
	if key == nil {
		return map[string]any{"type": "AWSAccount", "principalId": "", "accountId": account.Anonymous}
	}
	session := key.Principal[strings.LastIndexByte(key.Principal, '/')+1:]
	who := map[string]any{"type": "AWSAccount", "principalId": key.RoleID + ":" + session, "accountId": key.Account()}
	if policy.AccountOf(key.Role) == recipient {
		who["type"], who["arn"] = "AssumedRole", key.Principal
		who["sessionContext"] = map[string]any{"sessionIssuer": map[string]any{
			"type": "Role", "principalId": key.RoleID, "arn": key.Role, "accountId": key.Account(),
			"userName": key.Role[strings.LastIndexByte(key.Role, '/')+1:],
		}}
	}
	return who
}
