package provider

import (
	"context"

	"cross-account-s3/lab/account"
)

// https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucketobjectlockconfigurationv2/
type bucketObjectLock struct {
	Bucket            string   `json:"bucket" lab:"name"`
	ObjectLockEnabled string   `json:"objectLockEnabled" default:"\"Enabled\""`
	Rule              lockRule `json:"rule" lab:"required"`
}

type lockRule struct {
	DefaultRetention defaultRetention `json:"defaultRetention"`
}

type defaultRetention struct {
	Mode string `json:"mode"`
	Days int    `json:"days"`
}

// put locks what is stored from now on. A bucket needs versions for it, and can have it at any time.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html
func (l *bucketObjectLock) put(ctx context.Context, s *session, _ bool) (string, error) {
	bucket, err := s.world.Bucket(l.Bucket)
	if err != nil {
		return l.Bucket, err
	}
	if status := bucket.Configurations[account.Versioning]["status"]; status != "Enabled" {
		return l.Bucket, &account.Error{Code: "InvalidBucketState", Message: "the bucket needs versions for Object Lock"}
	}
	retention := l.Rule.DefaultRetention
	if retention.Mode != "GOVERNANCE" && retention.Mode != "COMPLIANCE" || retention.Days < 1 {
		return l.Bucket, &account.Error{Code: "MalformedXML", Message: "a default retention has the mode GOVERNANCE or COMPLIANCE, and days"}
	}
	return l.Bucket, s.configure(ctx, "s3:PutBucketObjectLockConfiguration", l.Bucket, account.ObjectLock,
		map[string]any{"mode": retention.Mode, "days": retention.Days})
}

func (l *bucketObjectLock) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	value, err := s.configured(ctx, "s3:GetBucketObjectLockConfiguration", id, account.ObjectLock)
	l.Bucket, l.ObjectLockEnabled = id, "Enabled"
	l.Rule.DefaultRetention.Mode, _ = value["mode"].(string)
	l.Rule.DefaultRetention.Days, _ = value["days"].(int)
	return nil, err
}

// remove takes the default away; what is locked stays so.
func (l *bucketObjectLock) remove(ctx context.Context, s *session, id string) error {
	return s.configure(ctx, "s3:PutBucketObjectLockConfiguration", id, account.ObjectLock, nil)
}

// https://www.pulumi.com/registry/packages/aws/api-docs/s3/bucketloggingv2/
type bucketLogging struct {
	Bucket       string `json:"bucket" lab:"name"`
	TargetBucket string `json:"targetBucket" lab:"required"`
	TargetPrefix string `json:"targetPrefix" lab:"required"`
}

func (l *bucketLogging) put(ctx context.Context, s *session, _ bool) (string, error) {
	if target, err := s.world.Bucket(l.TargetBucket); err != nil || target.Account != s.account {
		return l.Bucket, &account.Error{
			Code: "InvalidTargetBucketForLogging", Message: "the account has no bucket " + l.TargetBucket + " to log to",
		}
	}
	return l.Bucket, s.configure(ctx, "s3:PutBucketLogging", l.Bucket, account.AccessLogging,
		map[string]any{"targetBucket": l.TargetBucket, "targetPrefix": l.TargetPrefix})
}

func (l *bucketLogging) get(ctx context.Context, s *session, id string) (map[string]any, error) {
	value, err := s.configured(ctx, "s3:GetBucketLogging", id, account.AccessLogging)
	l.Bucket = id
	l.TargetBucket, _ = value["targetBucket"].(string)
	l.TargetPrefix, _ = value["targetPrefix"].(string)
	return nil, err
}

func (l *bucketLogging) remove(ctx context.Context, s *session, id string) error {
	return s.configure(ctx, "s3:PutBucketLogging", id, account.AccessLogging, nil)
}
