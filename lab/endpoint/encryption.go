package endpoint

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/rclone/gofakes3"

	"cross-account-s3/lab/account"
)

// The fields of requests, answers and stored objects that say how an object is encrypted.
const (
	algorithmHeader = "X-Amz-Server-Side-Encryption"
	kmsKeyHeader    = algorithmHeader + "-Aws-Kms-Key-Id"
	bucketKeyHeader = algorithmHeader + "-Bucket-Key-Enabled"
)

// encryption is how an object is encrypted.
type encryption struct {
	// algorithm is AES256 or aws:kms.
	algorithm string
	// key is the ARN of the KMS key; empty for AES256.
	key string
	// bucketKey says whether KMS is asked for the bucket, instead of for each object.
	bucketKey bool
}

// header is what an answer says of it.
func (e encryption) header() map[string]string {
	fields := map[string]string{algorithmHeader: e.algorithm}
	if e.key != "" {
		fields[kmsKeyHeader], fields[bucketKeyHeader] = e.key, fmt.Sprint(e.bucketKey)
	}
	return fields
}

func encryptionOf(fields map[string]string) encryption {
	return encryption{algorithm: fields[algorithmHeader], key: fields[kmsKeyHeader], bucketKey: fields[bucketKeyHeader] == "true"}
}

// encryptionFor is how what a request stores will be encrypted: as the request says, else as the bucket does by default.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/specifying-kms-encryption.html
func (e *Endpoint) encryptionFor(r *request, bucket account.Bucket) (encryption, error) {
	byDefault := bucket.Configurations[account.ServerSideEncryption]
	text := func(name string) string {
		value, _ := byDefault[name].(string)
		return value
	}
	bucketKey, _ := byDefault["bucketKeyEnabled"].(bool)
	chosen := encryption{algorithm: text("sseAlgorithm")}
	id := text("kmsMasterKeyId")
	if asked := r.Header.Get(algorithmHeader); asked != "" {
		chosen.algorithm, id = asked, "" // Without a key, aws:kms means the one that AWS manages, whatever the bucket's default.
	}
	if asked := r.Header.Get(kmsKeyHeader); asked != "" {
		id = asked
	}
	if asked := r.Header.Get(bucketKeyHeader); asked != "" {
		bucketKey = asked == "true"
	}
	byHeader := r.Header.Get(algorithmHeader) + r.Header.Get(kmsKeyHeader)
	invalid := func(code, format string, args ...any) (encryption, error) {
		return encryption{}, &Error{http.StatusBadRequest, code, fmt.Sprintf(format, args...)}
	}
	if query := r.URL.Query(); byHeader != "" && query.Has("uploads") {
		return invalid("NotImplemented", "The lab encrypts what is uploaded in parts as the bucket does by default; leave the encryption out")
	}
	switch chosen.algorithm {
	case "", "AES256":
		return encryption{algorithm: "AES256"}, nil
	case "aws:kms":
	default:
		return invalid("InvalidArgument", "The lab encrypts with AES256 or aws:kms, and not with %s", chosen.algorithm)
	}
	if id == "" {
		return invalid("NotImplemented", "The lab has no key that AWS manages (aws/s3); name a key")
	}
	owner := bucket.Account
	if r.Header.Get(kmsKeyHeader) != "" && r.key != nil {
		owner = r.key.Account()
	}
	key, err := e.world.FindKMSKey(owner, bucket.Region, id)
	switch {
	case err != nil:
		return invalid("KMS.NotFoundException", "Invalid keyId %s", id)
	case !key.Enabled:
		return invalid("KMS.DisabledException", "%s is disabled.", key.ARN())
	}
	chosen.key, chosen.bucketKey = key.ARN(), bucketKey
	return chosen, nil
}

// authorizeKeys decides about the keys that a request needs besides what it needs of S3, which asks KMS in the name of whoever asks it. It
// returns how the object is encrypted that the request reads or stores.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#require-sse-kms
func (e *Endpoint) authorizeKeys(ctx context.Context, r *request, bucket account.Bucket, asks []ask) (about encryption, err error) {
	for _, need := range asks {
		switch need.action {
		case "s3:PutObject":
			about, err = e.encryptionFor(r, bucket)
			actions := []string{"kms:GenerateDataKey"}
			if query := r.URL.Query(); query.Has("uploads") || query.Has("uploadId") {
				// The parts are read again to make one object of them.
				actions = append(actions, "kms:Decrypt")
			}
			if err == nil {
				err = e.authorizeKey(ctx, r, about, bucket, need.arn, actions...)
			}
		case "s3:GetObject", "s3:GetObjectVersion":
			name, key, _ := strings.Cut(strings.TrimPrefix(need.arn, bucketARN("")), "/")
			used := e.encryptionBehind(ctx, name, key, need.version)
			isHead := r.Method == http.MethodHead
			if r.Method == http.MethodGet || isHead {
				about = used
			}
			if isHead && r.Header.Get("X-Amz-Checksum-Mode") == "" {
				continue // What is said of an object is not encrypted.
			}
			from, missing := e.world.Bucket(name)
			if missing != nil {
				return about, missing
			}
			err = e.authorizeKey(ctx, r, used, from, need.arn, "kms:Decrypt")
		}
		if err != nil {
			return about, err
		}
	}
	return about, nil
}

// authorizeKey decides about the key of an object, where there is one.
func (e *Endpoint) authorizeKey(
	ctx context.Context, r *request, used encryption, bucket account.Bucket, objectARN string, actions ...string,
) error {
	if used.key == "" {
		return nil
	}
	if _, err := e.world.KMSKey(used.key); err != nil {
		return &Error{http.StatusBadRequest, "KMS.NotFoundException", "Key '" + used.key + "' does not exist"}
	}
	asks := make([]ask, len(actions))
	for i, action := range actions {
		asks[i] = ask{action: action, arn: used.key}
	}
	return e.authorize(ctx, r, asks, keyConditions(r, bucket, used, objectARN))
}

// encryptionBehind is how an object, or a version of it, is encrypted; nothing where it is not there, which whoever reads it says.
func (e *Endpoint) encryptionBehind(ctx context.Context, bucket, key, version string) encryption {
	objects := e.world.Objects()
	var object *gofakes3.Object
	var err error
	if version == "" || version == nullVersion {
		object, err = objects.HeadObject(ctx, bucket, key)
	} else {
		object, err = objects.HeadObjectVersion(bucket, key, gofakes3.VersionID(version))
	}
	if err != nil || object == nil {
		return encryption{}
	}
	return encryptionOf(object.Metadata)
}

// keyConditions are the condition keys of what S3 asks KMS for a request. The request to KMS comes from S3, whatever the network of the
// one who asks S3.
//
// Source: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html#conditions-kms-via-service and
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html#encryption-context
func keyConditions(r *request, bucket account.Bucket, used encryption, objectARN string) map[string]any {
	about := objectARN
	if used.bucketKey {
		about = bucket.ARN()
	}
	global := r.globalConditions()
	return map[string]any{
		"aws:CurrentTime":                  global["aws:CurrentTime"],
		"aws:EpochTime":                    global["aws:EpochTime"],
		"aws:SecureTransport":              "true",
		"aws:ViaAWSService":                "true",
		"aws:RequestedRegion":              bucket.Region,
		"kms:ViaService":                   "s3." + bucket.Region + ".amazonaws.com",
		"kms:EncryptionContextKeys":        []string{"aws:s3:arn"},
		"kms:EncryptionContext:aws:s3:arn": about,
		"kms:EncryptionAlgorithm":          "SYMMETRIC_DEFAULT",
	}
}

type encryptionKey struct{}

// PutObject stores an object, and with it how it is encrypted and locked.
func (s storage) PutObject(
	ctx context.Context, bucket, key string, metadata map[string]string, body io.Reader, size int64,
) (gofakes3.PutObjectResult, error) {
	if used, stored := ctx.Value(encryptionKey{}).(encryption); stored {
		for name, value := range used.header() {
			metadata[name] = value
		}
	}
	s.world.Lock(bucket, metadata)
	return s.Backend.PutObject(ctx, bucket, key, metadata, body, size)
}
