package components

import (
	"fmt"

	"github.com/micahhausler/aws-iam-policy/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// ObjectLock says who may delete a version of an object before its time.
type ObjectLock string

// The modes of Object Lock: nobody is kept from it, only those who have s3:BypassGovernanceRetention may, or nobody may, root included.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html#object-lock-retention-modes
const (
	LockNone       ObjectLock = "none"
	LockGovernance ObjectLock = "governance"
	LockCompliance ObjectLock = "compliance"
)

// Hardening is what protects the bucket against mistakes, and its owner against not knowing.
type Hardening struct {
	// AccessLogBucketName is where S3 writes its server access logs, and AccessLogRetentionDays how long they stay; empty is no logs.
	AccessLogBucketName    string
	AccessLogRetentionDays int
	// AbortUploadsAfterDays and ExpireVersionsAfterDays say when unfinished uploads and overwritten versions are deleted; 0 is never.
	AbortUploadsAfterDays   int
	ExpireVersionsAfterDays int
	// ObjectLock is how every new version is locked, for ObjectLockDays.
	ObjectLock     ObjectLock
	ObjectLockDays int
	// Protect has Pulumi refuse to delete the bucket and its key, and RetainOnDelete has it forget them instead of deleting them.
	Protect        bool
	RetainOnDelete bool
}

// hardening reads the settings of hardening.
func (r *reader) hardening() Hardening {
	h := Hardening{
		AccessLogRetentionDays:  r.integer("accessLogRetentionDays", 1, 36500, "days"),
		AbortUploadsAfterDays:   r.integer("abortUploadsAfterDays", 0, 36500, "days, where 0 is never"),
		ExpireVersionsAfterDays: r.integer("expireVersionsAfterDays", 0, 36500, "days, where 0 is never"),
		ObjectLock:              ObjectLock(r.oneOf("objectLock", string(LockNone), string(LockGovernance), string(LockCompliance))),
		ObjectLockDays:          r.integer("objectLockDays", 1, 36500, "days"),
		Protect:                 r.boolean("protect"),
		RetainOnDelete:          r.boolean("retainOnDelete"),
	}
	bucketName, logs := r.text("bucketName"), r.text("accessLogBucketName")
	switch enabled := r.boolean("accessLogging"); {
	case logs == bucketName && logs != "":
		r.refuse("accessLogBucketName", logs, "another bucket than bucketName: S3 would log that it logs, and so on")
	case logs != "":
		if logs = r.bucketName("accessLogBucketName"); enabled {
			h.AccessLogBucketName = logs
		}
	case enabled:
		h.AccessLogBucketName = bucketName + "-logs"
		if !bucketNameForm.MatchString(h.AccessLogBucketName) && bucketNameForm.MatchString(bucketName) {
			r.refuse("accessLogBucketName", "", "a bucket name, because bucketName is too long to put -logs behind it")
		}
	}
	return h
}

// options keep a resource from being lost together with its stack.
func (h Hardening) options() []pulumi.ResourceOption {
	return []pulumi.ResourceOption{pulumi.Protect(h.Protect), pulumi.RetainOnDelete(h.RetainOnDelete)}
}

// harden registers what protects the bucket.
func (h Hardening) harden(ctx *pulumi.Context, name string, args *SharedBucketArgs, bucket *privateBucket, parent pulumi.Resource) error {
	failed := func(what string, err error) error {
		return fmt.Errorf("registering the %s of bucket %s: %w", what, args.Access.BucketName, err)
	}
	// S3 acts on old versions only where there are versions.
	versioned := pulumi.DependsOn([]pulumi.Resource{bucket.versioning})
	if h.AbortUploadsAfterDays+h.ExpireVersionsAfterDays > 0 {
		rule := s3.BucketLifecycleConfigurationV2RuleArgs{
			Id:     pulumi.String("clean-up"),
			Status: pulumi.String("Enabled"),
			Filter: s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String("")},
		}
		if h.AbortUploadsAfterDays > 0 {
			rule.AbortIncompleteMultipartUpload = s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs{
				DaysAfterInitiation: pulumi.Int(h.AbortUploadsAfterDays),
			}
		}
		if h.ExpireVersionsAfterDays > 0 {
			rule.NoncurrentVersionExpiration = s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
				NoncurrentDays: pulumi.Int(h.ExpireVersionsAfterDays),
			}
		}
		if _, err := s3.NewBucketLifecycleConfigurationV2(ctx, name, &s3.BucketLifecycleConfigurationV2Args{
			Bucket: bucket.bucket.Bucket,
			Rules:  s3.BucketLifecycleConfigurationV2RuleArray{rule},
		}, pulumi.Parent(parent), versioned); err != nil {
			return failed("lifecycle", err)
		}
	}
	if mode, locked := map[ObjectLock]string{LockGovernance: "GOVERNANCE", LockCompliance: "COMPLIANCE"}[h.ObjectLock]; locked {
		if _, err := s3.NewBucketObjectLockConfigurationV2(ctx, name, &s3.BucketObjectLockConfigurationV2Args{
			Bucket: bucket.bucket.Bucket,
			Rule: s3.BucketObjectLockConfigurationV2RuleArgs{
				DefaultRetention: s3.BucketObjectLockConfigurationV2RuleDefaultRetentionArgs{
					Mode: pulumi.String(mode), Days: pulumi.Int(h.ObjectLockDays),
				},
			},
		}, pulumi.Parent(parent), versioned); err != nil {
			return failed("object lock", err)
		}
	}
	if h.AccessLogBucketName == "" {
		return nil
	}
	logs, err := h.accessLogs(ctx, name+"-logs", args, parent)
	if err != nil {
		return err
	}
	if _, err := s3.NewBucketLoggingV2(ctx, name, &s3.BucketLoggingV2Args{
		Bucket:       bucket.bucket.Bucket,
		TargetBucket: logs.Bucket,
		TargetPrefix: pulumi.String(args.Access.BucketName + "/"),
	}, pulumi.Parent(parent)); err != nil {
		return failed("logging", err)
	}
	return nil
}

// accessLogs registers the bucket of the access logs, and returns its policy, behind which S3 may write.
func (h Hardening) accessLogs(ctx *pulumi.Context, name string, args *SharedBucketArgs, parent pulumi.Resource) (*s3.BucketPolicy, error) {
	failed := func(what string, err error) error {
		return fmt.Errorf("registering the %s of bucket %s: %w", what, h.AccessLogBucketName, err)
	}
	logs, err := newPrivateBucket(ctx, name, privateBucketArgs{name: h.AccessLogBucketName, forceDestroy: args.ForceDestroy}, parent)
	if err != nil {
		return nil, err
	}
	if _, err := s3.NewBucketLifecycleConfigurationV2(ctx, name, &s3.BucketLifecycleConfigurationV2Args{
		Bucket: logs.bucket.Bucket,
		Rules: s3.BucketLifecycleConfigurationV2RuleArray{
			s3.BucketLifecycleConfigurationV2RuleArgs{
				Id:         pulumi.String("expire"),
				Status:     pulumi.String("Enabled"),
				Filter:     s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String("")},
				Expiration: s3.BucketLifecycleConfigurationV2RuleExpirationArgs{Days: pulumi.Int(h.AccessLogRetentionDays)},
				NoncurrentVersionExpiration: s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
					NoncurrentDays: pulumi.Int(keptAfterDeletion),
				},
			},
		},
	}, pulumi.Parent(parent)); err != nil {
		return nil, failed("lifecycle", err)
	}
	document, err := args.Access.accessLogDocument(h.AccessLogBucketName, args.AccountID)
	if err != nil {
		return nil, err
	}
	policy, err := s3.NewBucketPolicy(ctx, name, &s3.BucketPolicyArgs{
		Bucket: logs.bucket.Bucket,
		Policy: pulumi.String(document),
	}, pulumi.Parent(parent), pulumi.DependsOn([]pulumi.Resource{logs.publicAccess}))
	if err != nil {
		return nil, failed("policy", err)
	}
	return policy, nil
}

// accessLogDocument lets S3 write the logs of the one bucket, and nobody over plain http.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html#grant-log-delivery-permissions-general
func (a Access) accessLogDocument(logBucketName, accountID string) (string, error) {
	arn := fmt.Sprintf("arn:%s:s3:::%s", a.Partition, logBucketName)
	ofBucket := condition("StringEquals", "aws:SourceAccount", accountID)
	ofBucket["ArnEquals"] = map[string]*policy.ConditionValue{"aws:SourceArn": policy.NewConditionValueString(true, a.BucketARN())}
	return render(append([]policy.Statement{{
		Sid:       "WriteLogs",
		Effect:    policy.EffectAllow,
		Principal: policy.NewServicePrincipal("logging.s3.amazonaws.com"),
		Action:    values("s3:PutObject"),
		Resource:  values(arn + "/" + a.BucketName + "/*"),
		Condition: ofBucket,
	}}, transportDenials(arn, "")...))
}
