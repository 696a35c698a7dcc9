package endpoint

import (
	"bytes"
	"context"
	"encoding/hex"
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
)

// serveS3 answers a request to S3: who may do it is decided here, and gofakes3 does it.
func (e *Endpoint) serveS3(ctx context.Context, w http.ResponseWriter, r *request) error {
	name, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	query := r.URL.Query()
	conditions := r.conditions()
	switch {
	case name == "" && key != "": // The storage would skip the slashes, and find a bucket.
		return &Error{http.StatusBadRequest, "InvalidBucketName", "The path has no bucket before its second slash."}
	case name == "":
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
	for _, need := range asks {
		if err := e.hideMissing(ctx, r, need, conditions); err != nil {
			return err
		}
	}
	if r.Method == http.MethodDelete && key != "" {
		if err := e.checkLock(ctx, r, name, key, query.Get("versionId"), conditions); err != nil {
			return err
		}
	}
	encrypted, err := e.authorizeKeys(ctx, r, bucket, asks)
	if err != nil {
		return err
	}
	copied, err := copySource(r.Header)
	if err != nil {
		return err
	}
	if encrypted.algorithm != "" {
		for name, value := range encrypted.header() {
			w.Header().Set(name, value)
		}
		r.Request = r.WithContext(context.WithValue(ctx, encryptionKey{}, encrypted))
	}
	e.objects.ServeHTTP(w, copied.apply(r.Request))
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
		return []ask{{action: "s3:ListBucket", arn: arn}}, nil
	case "GET location":
		return []ask{{action: "s3:GetBucketLocation", arn: arn}}, nil
	case "GET versioning":
		return []ask{{action: "s3:GetBucketVersioning", arn: arn}}, nil
	case "GET versions":
		return []ask{{action: "s3:ListBucketVersions", arn: arn}}, nil
	case "GET uploads":
		return []ask{{action: "s3:ListBucketMultipartUploads", arn: arn}}, nil
	case "POST delete":
		return nil, nil // Each key is a decision of its own.
	case "PUT ", "DELETE ":
		return nil, &Error{http.StatusNotImplemented, "NotImplemented", "buckets of the lab are made and deleted through Pulumi"}
	default:
		return nil, notOffered(operation)
	}
}

func neededForObject(method, arn string, query url.Values, header http.Header) ([]ask, error) {
	version := query.Get("versionId")
	switch operation := method + " " + subresource(query); operation {
	case "GET ", "HEAD ":
		return ofVersion("s3:GetObject", arn, version), nil
	case "DELETE ":
		return ofVersion("s3:DeleteObject", arn, version), nil
	case "GET attributes", "GET tagging", "PUT tagging", "DELETE tagging":
		return neededForDetail(operation, arn, version)
	case "GET uploadId":
		return []ask{{action: "s3:ListMultipartUploadParts", arn: arn}}, nil
	case "DELETE uploadId":
		return []ask{{action: "s3:AbortMultipartUpload", arn: arn}}, nil
	case "POST uploads", "POST uploadId", "PUT ", "PUT uploadId":
		asks := []ask{{action: "s3:PutObject", arn: arn}}
		if header.Get("X-Amz-Tagging") != "" {
			asks = append(asks, ask{action: "s3:PutObjectTagging", arn: arn})
		}
		if header.Get("X-Amz-Acl") != "" || hasGrant(header) {
			asks = append(asks, ask{action: "s3:PutObjectAcl", arn: arn})
		}
		copied, err := copySource(header)
		if copied != nil {
			for _, need := range ofVersion("s3:GetObject", bucketARN(copied.bucket)+"/"+copied.key, copied.version) {
				need.copied = true
				asks = append(asks, need)
			}
		}
		return asks, err
	default:
		return nil, notOffered(operation)
	}
}

// neededForDetail is about attributes and tags, which the storage has of current versions alone.
func neededForDetail(operation, arn, version string) ([]ask, error) {
	if version != "" {
		return nil, notOffered(operation + " of a version")
	}
	switch operation {
	case "GET attributes":
		return []ask{{action: "s3:GetObject", arn: arn}, {action: "s3:GetObjectAttributes", arn: arn}}, nil
	case "GET tagging":
		return []ask{{action: "s3:GetObjectTagging", arn: arn}}, nil
	case "PUT tagging":
		return []ask{{action: "s3:PutObjectTagging", arn: arn}}, nil
	default:
		return []ask{{action: "s3:DeleteObjectTagging", arn: arn}}, nil
	}
}

// nullVersion is the version of an object that was stored without versioning. The storage takes the current version for it.
const nullVersion = "null"

// ofVersion is what an action on an object needs, or on one version of it where that is not empty.
func ofVersion(action, arn, version string) []ask {
	plain := ask{action: action, arn: arn}
	versioned := ask{action: action + "Version", arn: arn, version: version}
	switch version {
	case "":
		return []ask{plain}
	case nullVersion:
		return []ask{versioned, plain}
	}
	return []ask{versioned}
}

// subresource is the parameter that makes a request another operation than the plain one; empty where none does. Parameters that
// are details of an operation are known, so that any other is a sub-resource. Several are named together, which is none that is
// offered: the storage would choose one of them, perhaps another than was decided about.
func subresource(query url.Values) string {
	var found []string
	for _, name := range slices.Sorted(maps.Keys(query)) {
		lower := strings.ToLower(name)
		if slices.Contains(details, lower) || strings.HasPrefix(lower, "x-amz-") || strings.HasPrefix(lower, "response-") {
			continue
		}
		if name == "uploadId" && query.Get(name) == "" {
			name = "empty uploadId" // Which the storage takes for none, and would get or delete the object.
		}
		found = append(found, name)
	}
	return strings.Join(found, " and ")
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

// source is the object that a request copies.
type source struct{ bucket, key, version string }

// copySource is what a request copies; nil where it copies nothing.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html#API_CopyObject_RequestSyntax
func copySource(header http.Header) (*source, error) {
	text := header.Get("X-Amz-Copy-Source")
	if text == "" {
		return nil, nil
	}
	path, query, hasQuery := strings.Cut(text, "?")
	version, isVersion := strings.CutPrefix(query, "versionId=")
	path, pathErr := url.QueryUnescape(path)
	version, versionErr := url.QueryUnescape(version)
	bucket, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if pathErr != nil || versionErr != nil || bucket == "" || key == "" || hasQuery && (!isVersion || version == "") {
		return nil, &Error{http.StatusBadRequest, "InvalidArgument", "Copy Source must mention the source bucket and key: sourcebucket/sourcekey"}
	}
	return &source{bucket, key, version}, nil
}

// apply is the request with its source in the one spelling that can only mean what was decided, and with the source's version
// where the storage finds it.
func (s *source) apply(r *http.Request) *http.Request {
	if s == nil {
		return r
	}
	r = r.WithContext(context.WithValue(r.Context(), sourceKey{}, *s))
	r.Header = r.Header.Clone()
	r.Header.Set("X-Amz-Copy-Source", s.bucket+"/"+url.QueryEscape(s.key))
	if s.version != "" && r.Header.Get("X-Amz-Storage-Class") == "" {
		// An old version may be copied over its own object. To gofakes3 that is a copy that changes nothing unless there is a class.
		r.Header.Set("X-Amz-Storage-Class", "STANDARD")
	}
	return r
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
	for _, parameter := range []string{"prefix", "delimiter", "max-keys"} {
		// An empty prefix is one, by which policies allow the listing of a bucket's top. What it means is the evaluator's to say.
		if value := query.Get(parameter); query.Has(parameter) && (value != "" || parameter != "max-keys") {
			conditions["s3:"+parameter] = value
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
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	behind := r.behind()
	switch {
	case behind != nil:
		conditions["aws:SourceVpce"], conditions["aws:SourceVpc"], conditions["aws:VpcSourceIp"] = behind.ID, behind.VPC, host
	case err == nil:
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
	refused := &Error{http.StatusForbidden, "AccessDenied", "Access Denied"}
	if expected := r.headerOrQuery("X-Amz-Expected-Bucket-Owner"); expected != "" && expected != bucket.Account {
		return refused
	}
	copied, err := copySource(r.Header)
	expected := r.headerOrQuery("X-Amz-Source-Expected-Bucket-Owner")
	if err != nil || copied == nil || expected == "" {
		return err
	}
	if from, err := e.world.Bucket(copied.bucket); err != nil || from.Account != expected {
		return refused
	}
	return nil
}

// headerOrQuery is a field of the request, which a presigned URL can have among its parameters.
func (r *request) headerOrQuery(name string) string {
	if value := r.Header.Get(name); value != "" || !r.presigned {
		return value
	}
	for parameter, values := range r.URL.Query() { // SDKs write it in small letters.
		if strings.EqualFold(parameter, name) {
			return values[0]
		}
	}
	return ""
}

// hideMissing refuses what would tell that an object to be read does not exist to somebody who may not list its bucket.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (e *Endpoint) hideMissing(ctx context.Context, r *request, need ask, conditions map[string]any) error {
	if !strings.HasPrefix(need.action, "s3:GetObject") {
		return nil
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(need.arn, bucketARN("")), "/")
	objects := e.world.Objects()
	var err error
	if need.version == "" || need.version == nullVersion {
		_, err = objects.HeadObject(ctx, bucket, key)
	} else {
		_, err = objects.HeadObjectVersion(bucket, key, gofakes3.VersionID(need.version))
	}
	if err == nil {
		return nil
	}
	return e.decide(ctx, r, ask{action: "s3:ListBucket", arn: bucketARN(bucket), copied: need.copied}, conditions, unobserved)
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
	var deleted []gofakes3.ObjectID
	for _, object := range wanted.Objects {
		var refusal *Error
		err := e.authorize(ctx, r, ofVersion("s3:DeleteObject", bucketARN(bucket)+"/"+object.Key, object.VersionID), conditions)
		if err == nil {
			err = e.checkLock(ctx, r, bucket, object.Key, object.VersionID, conditions)
		}
		switch {
		case errors.As(err, &refusal):
			refused = append(refused, gofakes3.ErrorResult{Key: object.Key, Code: gofakes3.ErrorCode(refusal.Code), Message: refusal.Message})
		case err != nil:
			return err
		case object.VersionID == "" || object.VersionID == nullVersion:
			allowed.Objects = append(allowed.Objects, object)
		default: // gofakes3 would delete the current version.
			if _, err := e.world.Objects().DeleteObjectVersion(bucket, object.Key, gofakes3.VersionID(object.VersionID)); err != nil {
				return fmt.Errorf("deleting a version of %s: %w", object.Key, err)
			}
			if !wanted.Quiet {
				deleted = append(deleted, object)
			}
		}
	}
	result := gofakes3.MultiDeleteResult{Error: refused, Deleted: deleted}
	if len(allowed.Objects) > 0 {
		done, err := e.deleteAllowed(ctx, r, allowed)
		if err != nil {
			return err
		}
		result.Deleted, result.Error = slices.Concat(done.Deleted, deleted), slices.Concat(done.Error, refused)
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
	if err := e.authorize(ctx, r, []ask{{action: "s3:ListAllMyBuckets", arn: "*"}}, conditions); err != nil {
		return err
	}
	e.objects.ServeHTTP(w, r.WithContext(context.WithValue(ctx, ownerKey{}, r.key.Account())))
	return nil
}

// storage is that of the world, seen by whoever asks: an account lists its own buckets, a bucket its own objects, and a copy reads the
// version it names, of which gofakes3 knows nothing.
type storage struct {
	*s3mem.Backend
	world *account.World
}

type (
	ownerKey  struct{}
	sourceKey struct{}
)

// ListBuckets lists the buckets of the account in the context.
func (s storage) ListBuckets(ctx context.Context) ([]gofakes3.BucketInfo, error) {
	owner, _ := ctx.Value(ownerKey{}).(string)
	all, err := s.Backend.ListBuckets(ctx)
	own := s.world.Buckets(owner)
	return slices.DeleteFunc(all, func(bucket gofakes3.BucketInfo) bool { return !slices.Contains(own, bucket.Name) }), err
}

// ListBucket lists a page of the objects of a bucket. What has been deleted is none, and still is on the page of gofakes3: a page can have
// fewer objects than were asked for, as one of S3 can.
func (s storage) ListBucket(
	ctx context.Context, bucket string, prefix *gofakes3.Prefix, page gofakes3.ListBucketPage,
) (*gofakes3.ObjectList, error) {
	list, err := s.Backend.ListBucket(ctx, bucket, prefix, page)
	if err != nil {
		return nil, err
	}
	list.Contents = slices.DeleteFunc(list.Contents, func(object *gofakes3.Content) bool {
		_, err := s.Backend.HeadObject(ctx, bucket, object.Key)
		return err != nil
	})
	return list, nil
}

// sourceVersion is the version of the object that the request in the context copies; empty for the current one, and for any
// other object.
func sourceVersion(ctx context.Context, bucket, key string) gofakes3.VersionID {
	copied, _ := ctx.Value(sourceKey{}).(source)
	if copied.bucket != bucket || copied.key != key || copied.version == nullVersion {
		return ""
	}
	return gofakes3.VersionID(copied.version)
}

// HeadObject describes an object, or the version of it that is copied.
func (s storage) HeadObject(ctx context.Context, bucket, key string) (*gofakes3.Object, error) {
	if version := sourceVersion(ctx, bucket, key); version != "" {
		return s.HeadObjectVersion(bucket, key, version)
	}
	return s.Backend.HeadObject(ctx, bucket, key)
}

// GetObject gets an object, or the version of it that is copied.
func (s storage) GetObject(ctx context.Context, bucket, key string, part *gofakes3.ObjectRangeRequest) (*gofakes3.Object, error) {
	if version := sourceVersion(ctx, bucket, key); version != "" {
		return s.GetObjectVersion(bucket, key, version, part)
	}
	return s.Backend.GetObject(ctx, bucket, key, part)
}

// CopyObject copies an object, or the version of it that is named.
func (s storage) CopyObject(
	ctx context.Context, fromBucket, fromKey, bucket, key string, metadata map[string]string,
) (gofakes3.CopyObjectResult, error) {
	var copied gofakes3.CopyObjectResult
	from, err := s.GetObject(ctx, fromBucket, fromKey, nil)
	if err != nil {
		return copied, err
	}
	if _, err := s.PutObject(ctx, bucket, key, metadata, from.Contents, from.Size); err != nil {
		return copied, errors.Join(err, from.Contents.Close())
	}
	copied.ETag, copied.LastModified = `"`+hex.EncodeToString(from.Hash)+`"`, gofakes3.NewContentTime(time.Now())
	return copied, from.Contents.Close()
}
