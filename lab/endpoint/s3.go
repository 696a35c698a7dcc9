package endpoint

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"cross-account-s3/lab/account"
	"cross-account-s3/policy"
)

// serveS3 answers a request to S3: who may do it is decided here, and gofakes3 does it.
func (e *Endpoint) serveS3(ctx context.Context, w http.ResponseWriter, r *request) error {
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	conditions := r.conditions()
	if name == "" {
		return e.listBuckets(ctx, w, r, conditions)
	}
	asks, err := needed(r.Method, name, key, query, r.Header)
	if err != nil {
		return err
	}
	bucket, err := e.world.Bucket(name)
	if err != nil {
		return err
	}
	if err := e.checkOwners(r, bucket); err != nil {
		return err
	}
	if r.Method == http.MethodPost && query.Has("delete") {
		return e.deleteObjects(ctx, w, r, name, conditions)
	}
	if err := e.authorize(ctx, r, asks, conditions); err != nil {
		return err
	}
	if key != "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) && !query.Has("uploadId") {
		if err := e.hideMissing(ctx, r, name, key, query.Get("versionId"), conditions); err != nil {
			return err
		}
	}
	e.objects.ServeHTTP(w, r.Request)
	return nil
}

// bucketARN is the ARN of a bucket; objects have a slash and their key behind it.
func bucketARN(name string) string { return "arn:aws:s3:::" + name }

// needed says which permissions a request to a bucket, or to an object where key is not empty, needs. What S3 can do beyond it is refused,
// so that nothing is done that has not been decided.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
func needed(method, bucket, key string, query url.Values, header http.Header) ([]ask, error) {
	arn := bucketARN(bucket)
	if key != "" {
		return neededForObject(method, arn+"/"+key, query, header)
	}
	switch operation := method + " " + subresource(query); operation {
	case "GET ", "HEAD ":
		return []ask{{"s3:ListBucket", arn}}, nil
	case "GET location":
		return []ask{{"s3:GetBucketLocation", arn}}, nil
	case "GET versioning":
		return []ask{{"s3:GetBucketVersioning", arn}}, nil
	case "GET versions":
		return []ask{{"s3:ListBucketVersions", arn}}, nil
	case "GET uploads":
		return []ask{{"s3:ListBucketMultipartUploads", arn}}, nil
	case "POST delete":
		return nil, nil // Each key is a decision of its own.
	default:
		return nil, notOffered(operation)
	}
}

func neededForObject(method, arn string, query url.Values, header http.Header) ([]ask, error) {
	version := ""
	if query.Get("versionId") != "" {
		version = "Version"
	}
	switch operation := method + " " + subresource(query); operation {
	case "GET ", "HEAD ":
		return []ask{{"s3:GetObject" + version, arn}}, nil
	case "GET attributes":
		return []ask{{"s3:GetObject" + version, arn}, {"s3:GetObject" + version + "Attributes", arn}}, nil
	case "GET tagging":
		return []ask{{"s3:GetObject" + version + "Tagging", arn}}, nil
	case "PUT tagging":
		return []ask{{"s3:PutObject" + version + "Tagging", arn}}, nil
	case "DELETE tagging":
		return []ask{{"s3:DeleteObject" + version + "Tagging", arn}}, nil
	case "DELETE ":
		return []ask{{"s3:DeleteObject" + version, arn}}, nil
	case "GET uploadId":
		return []ask{{"s3:ListMultipartUploadParts", arn}}, nil
	case "DELETE uploadId":
		return []ask{{"s3:AbortMultipartUpload", arn}}, nil
	case "POST uploads", "POST uploadId", "PUT ", "PUT uploadId":
		asks := []ask{{"s3:PutObject", arn}}
		if header.Get("X-Amz-Tagging") != "" {
			asks = append(asks, ask{"s3:PutObjectTagging", arn})
		}
		if header.Get("X-Amz-Acl") != "" || hasGrant(header) {
			asks = append(asks, ask{"s3:PutObjectAcl", arn})
		}
		source, err := copySource(header)
		if source != nil {
			asks = append(asks, *source)
		}
		return asks, err
	default:
		return nil, notOffered(operation)
	}
}

// subresource is the parameter that makes a request another operation than the plain one; empty where none does. Parameters that are
// details of an operation are known, so that any other is a sub-resource.
func subresource(query url.Values) string {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		lower := strings.ToLower(name)
		if !slices.Contains(details, lower) && !strings.HasPrefix(lower, "x-amz-") && !strings.HasPrefix(lower, "response-") {
			return name
		}
	}
	return ""
}

// details are parameters of operations, in lower case.
var details = []string{
	"versionid", "partnumber", "x-id", "list-type", "prefix", "delimiter", "max-keys", "marker", "continuation-token", "start-after",
	"encoding-type", "fetch-owner", "key-marker", "version-id-marker", "upload-id-marker", "max-uploads", "max-parts", "part-number-marker",
}

func notOffered(operation string) error {
	message := fmt.Sprintf("the lab does not offer %q of S3; buckets are made and changed through Pulumi", strings.TrimSpace(operation))
	return &Error{http.StatusForbidden, "AccessDenied", message}
}

func hasGrant(header http.Header) bool {
	for name := range header {
		if strings.HasPrefix(name, "X-Amz-Grant-") {
			return true
		}
	}
	return false
}

// copySource is what copying needs of the object that is copied; nil where nothing is.
func copySource(header http.Header) (*ask, error) {
	source := header.Get("X-Amz-Copy-Source")
	if source == "" {
		return nil, nil
	}
	path, version, _ := strings.Cut(source, "?versionId=")
	path, err := url.PathUnescape(path)
	bucket, key, found := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if err != nil || !found || bucket == "" || key == "" {
		return nil, &Error{http.StatusBadRequest, "InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"}
	}
	action := "s3:GetObject"
	if version != "" {
		action = "s3:GetObjectVersion"
	}
	return &ask{action, bucketARN(bucket) + "/" + key}, nil
}

// conditions are the condition keys that hang on a request to S3.
//
// Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys
func (r *request) conditions() map[string]any {
	query := r.URL.Query()
	conditions := r.globalConditions()
	if r.TLS != nil {
		conditions["s3:TlsVersion"] = tlsVersion(r.TLS.Version)
	}
	if r.key != nil {
		conditions["s3:signatureversion"], conditions["s3:authType"] = "AWS4-HMAC-SHA256", "REST-HEADER"
		if r.presigned {
			conditions["s3:authType"] = "REST-QUERY-STRING"
			if signed, err := time.Parse("20060102T150405Z", query.Get("X-Amz-Date")); err == nil {
				conditions["s3:signatureAge"] = strconv.FormatInt(r.time.Sub(signed).Milliseconds(), 10)
			}
		}
	}
	for _, name := range []string{
		"x-amz-acl", "x-amz-copy-source", "x-amz-content-sha256", "x-amz-metadata-directive", "x-amz-server-side-encryption",
		"x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-customer-algorithm", "x-amz-storage-class",
		"x-amz-website-redirect-location", "x-amz-grant-full-control", "x-amz-grant-read", "x-amz-grant-read-acp", "x-amz-grant-write",
		"x-amz-grant-write-acp",
	} {
		if value := r.Header.Get(name); value != "" {
			conditions["s3:"+name] = value
		}
	}
	for parameter, key := range map[string]string{
		"versionId": "s3:VersionId", "prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys",
	} {
		if query.Has(parameter) && query.Get(parameter) != "" {
			conditions[key] = query.Get(parameter)
		}
	}
	return conditions
}

// globalConditions are those of any service.
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
func (r *request) globalConditions() map[string]any {
	conditions := map[string]any{
		"aws:SecureTransport": strconv.FormatBool(r.TLS != nil),
		"aws:CurrentTime":     r.time.Format(time.RFC3339),
		"aws:EpochTime":       strconv.FormatInt(r.time.Unix(), 10),
		"aws:ViaAWSService":   "false",
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		conditions["aws:SourceIp"] = host
	}
	for name, value := range map[string]string{"aws:UserAgent": r.UserAgent(), "aws:Referer": r.Referer(), "aws:RequestedRegion": r.region} {
		if value != "" {
			conditions[name] = value
		}
	}
	return conditions
}

// checkOwners refuses a request that expects the bucket to be another account's.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
func (e *Endpoint) checkOwners(r *request, bucket account.Bucket) error {
	if expected := r.Header.Get("X-Amz-Expected-Bucket-Owner"); expected != "" && expected != bucket.Account {
		return &Error{http.StatusForbidden, "AccessDenied", "Access Denied"}
	}
	expected, source := r.Header.Get("X-Amz-Source-Expected-Bucket-Owner"), r.Header.Get("X-Amz-Copy-Source")
	if expected == "" || source == "" {
		return nil
	}
	name, _, _ := strings.Cut(strings.TrimPrefix(source, "/"), "/")
	if copied, err := e.world.Bucket(name); err != nil || copied.Account != expected {
		return &Error{http.StatusForbidden, "AccessDenied", "Access Denied"}
	}
	return nil
}

// hideMissing refuses what would tell that an object does not exist to somebody who may not list the bucket.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (e *Endpoint) hideMissing(
	ctx context.Context, r *request, bucket, key, version string, conditions map[string]any,
) error {
	objects := e.world.Objects()
	var err error
	if version == "" {
		_, err = objects.HeadObject(ctx, bucket, key)
	} else {
		_, err = objects.HeadObjectVersion(bucket, key, gofakes3.VersionID(version))
	}
	if err == nil {
		return nil
	}
	c, result, err := e.world.Authorize(ctx, r.key, "s3:ListBucket", bucketARN(bucket), conditions)
	if err != nil {
		return &Error{http.StatusBadRequest, "InvalidRequest", err.Error()}
	}
	if result.Decision != policy.Allowed {
		return denied(c, result)
	}
	return nil
}

// mostDeleted is how long the body of DeleteObjects may be, in bytes: 1000 keys of 1024 bytes, with room for what is around them.
const mostDeleted = 4 << 20

// deleteObjects decides about each key by itself, and deletes those that may be.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
func (e *Endpoint) deleteObjects(ctx context.Context, w http.ResponseWriter, r *request, bucket string, conditions map[string]any) error {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, mostDeleted))
	if err != nil {
		return &Error{http.StatusBadRequest, "MaxMessageLengthExceeded", "Your request was too large."}
	}
	var wanted gofakes3.DeleteRequest
	if err := xml.Unmarshal(body, &wanted); err != nil {
		return &Error{http.StatusBadRequest, "MalformedXML", "The XML that you provided was not well formed."}
	}
	var refused []gofakes3.ErrorResult
	allowed := gofakes3.DeleteRequest{Quiet: wanted.Quiet}
	for _, object := range wanted.Objects {
		action := "s3:DeleteObject"
		if object.VersionID != "" {
			action = "s3:DeleteObjectVersion"
		}
		var refusal *Error
		err := e.authorize(ctx, r, []ask{{action, bucketARN(bucket) + "/" + object.Key}}, conditions)
		switch {
		case errors.As(err, &refusal):
			refused = append(refused, gofakes3.ErrorResult{Key: object.Key, Code: gofakes3.ErrorCode(refusal.Code), Message: refusal.Message})
		case err != nil:
			return err
		default:
			allowed.Objects = append(allowed.Objects, object)
		}
	}
	result := gofakes3.MultiDeleteResult{Error: refused}
	if len(allowed.Objects) > 0 {
		done, err := e.deleteAllowed(ctx, r, allowed)
		if err != nil {
			return err
		}
		result.Deleted, result.Error = done.Deleted, slices.Concat(done.Error, refused)
	}
	answer, err := xml.Marshal(result)
	if err != nil {
		return fmt.Errorf("answering DeleteObjects: %w", err)
	}
	w.Header().Set("Content-Type", "application/xml")
	_, _ = w.Write(answer) // Whoever is gone does not need it.
	return nil
}

// deleteAllowed has gofakes3 delete objects.
func (e *Endpoint) deleteAllowed(
	ctx context.Context, r *request, allowed gofakes3.DeleteRequest,
) (gofakes3.MultiDeleteResult, error) {
	var result gofakes3.MultiDeleteResult
	body, err := xml.Marshal(allowed)
	if err != nil {
		return result, fmt.Errorf("deleting objects: %w", err)
	}
	again := r.Clone(ctx)
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	// What the client said of the body was true of another one.
	for name := range again.Header {
		if name == "Content-Md5" || name == "Content-Encoding" || strings.HasPrefix(name, "X-Amz-Checksum-") ||
			name == "X-Amz-Content-Sha256" || name == "X-Amz-Decoded-Content-Length" || name == "X-Amz-Trailer" ||
			name == "X-Amz-Sdk-Checksum-Algorithm" {
			again.Header.Del(name)
		}
	}
	answer := &recorder{header: http.Header{}, status: http.StatusOK}
	e.objects.ServeHTTP(answer, again)
	if answer.status != http.StatusOK {
		return result, &Error{answer.status, "InternalError", "the objects were not deleted: " + answer.body.String()}
	}
	if err := xml.Unmarshal(answer.body.Bytes(), &result); err != nil {
		return result, fmt.Errorf("deleting objects: %w", err)
	}
	return result, nil
}

// recorder keeps an answer; it is a http.ResponseWriter.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header are the fields of the answer.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader keeps the status.
func (r *recorder) WriteHeader(status int) { r.status = status }

// Write keeps the body.
func (r *recorder) Write(text []byte) (int, error) { return r.body.Write(text) }

// listBuckets lists the buckets of the account that asks.
func (e *Endpoint) listBuckets(ctx context.Context, w http.ResponseWriter, r *request, conditions map[string]any) error {
	if r.Method != http.MethodGet || subresource(r.URL.Query()) != "" {
		return notOffered(r.Method)
	}
	if r.key == nil {
		return &Error{http.StatusForbidden, "AccessDenied", "Access Denied"}
	}
	if err := e.authorize(ctx, r, []ask{{"s3:ListAllMyBuckets", "*"}}, conditions); err != nil {
		return err
	}
	e.objects.ServeHTTP(w, r.WithContext(context.WithValue(ctx, ownerKey{}, r.key.Account())))
	return nil
}

// ownBuckets is the storage, of which each account sees its own buckets when it asks for a list of them.
type ownBuckets struct {
	*s3mem.Backend
	world *account.World
}

type ownerKey struct{}

// ListBuckets lists the buckets of the account in the context.
func (b ownBuckets) ListBuckets(ctx context.Context) ([]gofakes3.BucketInfo, error) {
	owner, _ := ctx.Value(ownerKey{}).(string)
	all, err := b.Backend.ListBuckets(ctx)
	own := b.world.Buckets(owner)
	return slices.DeleteFunc(all, func(bucket gofakes3.BucketInfo) bool { return !slices.Contains(own, bucket.Name) }), err
}
