package account

import (
	"context"
	"encoding/json"
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/rclone/gofakes3"

	"cross-account-s3/policy"
)

// Bucket is an S3 bucket.
type Bucket struct {
	Account string
	Region  string
	Name    string
	Created time.Time
	Tags    map[string]string
	// Configurations are what has been configured of the bucket besides its policy, by the name of the configuration.
	Configurations map[string]map[string]any

	policy string
	ids    map[string]string // the unique ids behind the policy's principals, by ARN
}

// ARN is the bucket's ARN.
func (b *Bucket) ARN() string { return "arn:aws:s3:::" + b.Name }

func (b *Bucket) copy() Bucket {
	result := *b
	result.Tags = maps.Clone(b.Tags)
	result.Configurations = maps.Clone(b.Configurations)
	return result
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// CreateBucket makes an empty bucket of the account, region, name and tags that the given one has, with the defaults of S3: the
// owner alone owns its objects, public access is blocked, and objects are encrypted with SSE-S3.
//
// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html
func (w *World) CreateBucket(ctx context.Context, bucket Bucket) (Bucket, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	other := w.buckets[bucket.Name]
	switch {
	case !w.knows(bucket.Account):
		return Bucket{}, refuse("InvalidAccessKeyId", "the lab has no account %s", bucket.Account)
	case !bucketName.MatchString(bucket.Name):
		return Bucket{}, refuse("InvalidBucketName", "The specified bucket is not valid: %s", bucket.Name)
	case other != nil && other.Account == bucket.Account:
		return Bucket{}, refuse("BucketAlreadyOwnedByYou", "The bucket %s already exists, and you own it.", bucket.Name)
	case other != nil:
		return Bucket{}, refuse("BucketAlreadyExists", "The bucket name %s is taken, and names are shared by all accounts.", bucket.Name)
	}
	if err := w.objects.CreateBucket(ctx, bucket.Name); err != nil {
		return Bucket{}, err
	}
	stored := bucket.copy()
	stored.Created, stored.policy, stored.ids = w.now().UTC(), "", nil
	stored.Configurations = map[string]map[string]any{}
	for name, configuration := range bucketDefaults {
		stored.Configurations[name] = configuration()
	}
	w.buckets[bucket.Name] = &stored
	return stored.copy(), nil
}

// The configurations of a bucket that decide something in the lab, or that S3 gives every new bucket.
const (
	OwnershipControls    = "ownershipControls"
	PublicAccessBlock    = "publicAccessBlock"
	Versioning           = "versioning"
	ServerSideEncryption = "serverSideEncryption"
	// RequestMetrics stands in front of the id of each configuration of request metrics.
	RequestMetrics = "requestMetrics/"
)

// bucketDefaults are what S3 configures for a new bucket, and what it goes back to when that configuration is deleted, but for
// ownership and public access, which are then not configured at all.
var bucketDefaults = map[string]func() map[string]any{
	OwnershipControls: func() map[string]any { return map[string]any{"objectOwnership": "BucketOwnerEnforced"} },
	PublicAccessBlock: func() map[string]any {
		return map[string]any{"blockPublicAcls": true, "blockPublicPolicy": true, "ignorePublicAcls": true, "restrictPublicBuckets": true}
	},
	ServerSideEncryption: func() map[string]any { return map[string]any{"sseAlgorithm": "AES256"} },
}

// UpdateBucket changes the tags of a bucket.
func (w *World) UpdateBucket(name string, tags map[string]string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	bucket := w.buckets[name]
	if bucket == nil {
		return noBucket(name)
	}
	bucket.Tags = maps.Clone(tags)
	return nil
}

// Bucket is the bucket with this name.
func (w *World) Bucket(name string) (Bucket, error) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	if bucket := w.buckets[name]; bucket != nil {
		return bucket.copy(), nil
	}
	return Bucket{}, noBucket(name)
}

// Buckets are the names of an account's buckets.
func (w *World) Buckets(account string) []string {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	var names []string
	for name, bucket := range w.buckets {
		if bucket.Account == account {
			names = append(names, name)
		}
	}
	return names
}

func noBucket(name string) error {
	return refuse("NoSuchBucket", "The specified bucket does not exist: %s", name)
}

// DeleteBucket deletes a bucket that has neither objects nor versions of objects nor delete markers.
func (w *World) DeleteBucket(ctx context.Context, name string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.buckets[name] == nil {
		return noBucket(name)
	}
	if points := w.accessPointsOf(name); len(points) > 0 {
		return refuse("BucketHasAccessPointsAttached", "The bucket %s has access points: %s", name, strings.Join(points, ", "))
	}
	if err := w.objects.DeleteBucket(ctx, name); err != nil {
		if gofakes3.HasErrorCode(err, gofakes3.ErrBucketNotEmpty) {
			return refuse("BucketNotEmpty", "The bucket %s has objects, versions of objects or delete markers; empty it first.", name)
		}
		return err
	}
	delete(w.buckets, name)
	return nil
}

// EmptyBucket deletes every version of every object of a bucket. A lock of governance is passed by, as the provider does; one of compliance
// is not.
func (w *World) EmptyBucket(ctx context.Context, name string) error {
	versions, err := w.objects.ListBucketVersions(name, nil, nil)
	if err != nil {
		return noBucket(name)
	}
	for _, version := range versions.Versions {
		var key string
		var id gofakes3.VersionID
		switch version := version.(type) {
		case *gofakes3.Version:
			key, id = version.Key, version.VersionID
		case *gofakes3.DeleteMarker:
			key, id = version.Key, version.VersionID
		}
		if lock := w.LockOf(name, key, string(id)); lock.Mode == "COMPLIANCE" && w.Holds(lock) {
			return refuse("AccessDenied", "Access Denied because object protected by object lock: %s in bucket %s", key, name)
		}
		if id == "" {
			_, err = w.objects.DeleteObject(ctx, name, key)
		} else {
			_, err = w.objects.DeleteObjectVersion(name, key, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Configure sets one configuration of a bucket; nil takes it away, or back to what S3 always configures.
func (w *World) Configure(bucketName, configuration string, value map[string]any) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	bucket := w.buckets[bucketName]
	if bucket == nil {
		return noBucket(bucketName)
	}
	if configuration == Versioning {
		status, _ := value["status"].(string)
		versioning := gofakes3.VersioningConfiguration{Status: gofakes3.VersioningSuspended}
		if status == "Enabled" {
			versioning.Status = gofakes3.VersioningEnabled
		}
		if err := w.objects.SetVersioningConfiguration(bucketName, versioning); err != nil {
			return err
		}
	}
	switch {
	case value != nil:
		bucket.Configurations[configuration] = value
	case configuration == ServerSideEncryption:
		bucket.Configurations[configuration] = bucketDefaults[configuration]()
	default:
		delete(bucket.Configurations, configuration)
	}
	return nil
}

// mostBucketPolicy is in bytes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/add-bucket-policy.html
const mostBucketPolicy = 20 << 10

// PutBucketPolicy sets a bucket's policy. It refuses what S3 does, as a principal that does not exist, and keeps the unique ids of the
// roles that the policy names.
func (w *World) PutBucketPolicy(bucketName, document string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	bucket := w.buckets[bucketName]
	if bucket == nil {
		return noBucket(bucketName)
	}
	if len(document) > mostBucketPolicy {
		return refuse("MalformedPolicy", "the policy has %d bytes, and a bucket policy may have %d", len(document), mostBucketPolicy)
	}
	if _, err := policy.ReadDocument(policy.ResourcePolicy, bucketName, []byte(document)); err != nil {
		return refuse("MalformedPolicy", "%v", err)
	}
	if resource := foreignResource(document, bucket.ARN()); resource != "" {
		return refuse("MalformedPolicy", "Policy has invalid resource: %q is neither the bucket %s nor in it", resource, bucketName)
	}
	ids, err := w.bind(document)
	if err != nil {
		return refuse("MalformedPolicy", "Invalid principal in policy: %v", err)
	}
	bucket.policy, bucket.ids = document, ids
	return nil
}

// foreignResource is a resource of the policy that is neither the bucket nor within it; empty where there is none.
func foreignResource(document, arn string) string {
	var read struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(document), &read) != nil {
		return ""
	}
	type statement struct{ Resource, NotResource any }
	statements := make([]statement, 1)
	if json.Unmarshal(read.Statement, &statements) != nil && json.Unmarshal(read.Statement, &statements[0]) != nil {
		return ""
	}
	for _, statement := range statements {
		for _, element := range []any{statement.Resource, statement.NotResource} {
			resources, isList := element.([]any)
			if !isList {
				resources = []any{element}
			}
			for _, resource := range resources {
				if text, isText := resource.(string); isText && text != arn && !strings.HasPrefix(text, arn+"/") && !strings.HasPrefix(text, arn+"*") {
					return text
				}
			}
		}
	}
	return ""
}

// BucketPolicy is a bucket's policy as S3 shows it: in the place of a role that has been deleted stands its unique id, also when
// there is a new role with the same name.
func (w *World) BucketPolicy(bucketName string) (string, error) {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	bucket := w.buckets[bucketName]
	switch {
	case bucket == nil:
		return "", noBucket(bucketName)
	case bucket.policy == "":
		return "", refuse("NoSuchBucketPolicy", "The bucket policy does not exist: %s", bucketName)
	}
	return w.render(bucket.policy, bucket.ids, func(_, id string) string { return id }), nil
}

// DeleteBucketPolicy removes a bucket's policy, if it has one.
func (w *World) DeleteBucketPolicy(bucketName string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	bucket := w.buckets[bucketName]
	if bucket == nil {
		return noBucket(bucketName)
	}
	bucket.policy, bucket.ids = "", nil
	return nil
}

// effectivePolicy is a bucket's policy for the evaluator.
func (w *World) effectivePolicy(bucketName string) json.RawMessage {
	w.mutex.RLock()
	defer w.mutex.RUnlock()
	bucket := w.buckets[bucketName]
	if bucket == nil || bucket.policy == "" {
		return nil
	}
	return json.RawMessage(w.render(bucket.policy, bucket.ids, deadPrincipal))
}
