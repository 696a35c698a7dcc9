package components

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// privateBucketArgs are what differs from one private bucket to another.
type privateBucketArgs struct {
	name         string
	forceDestroy bool
	// encryptionKey is the ARN of the key it is encrypted with; nil for S3's own keys.
	encryptionKey pulumi.StringInput
	// options are those of the bucket itself.
	options []pulumi.ResourceOption
}

// privateBucket is a bucket with what every bucket here has: one owner of all objects, no public access, versions and default
// encryption. A policy has to come after the public access block.
type privateBucket struct {
	bucket       *s3.BucketV2
	publicAccess *s3.BucketPublicAccessBlock
	versioning   *s3.BucketVersioningV2
}

// newPrivateBucket registers a private bucket.
func newPrivateBucket(ctx *pulumi.Context, name string, args privateBucketArgs, parent pulumi.Resource) (*privateBucket, error) {
	failed := func(what string, err error) (*privateBucket, error) {
		return nil, fmt.Errorf("registering the %s of bucket %s: %w", what, args.name, err)
	}

	bucket, err := s3.NewBucketV2(ctx, name, &s3.BucketV2Args{
		Bucket:       pulumi.String(args.name),
		ForceDestroy: pulumi.Bool(args.forceDestroy),
	}, append([]pulumi.ResourceOption{pulumi.Parent(parent)}, args.options...)...)
	if err != nil {
		return nil, fmt.Errorf("registering bucket %s: %w", args.name, err)
	}

	// With ACLs off, what the other account puts belongs to this one.
	ownership, err := s3.NewBucketOwnershipControls(ctx, name, &s3.BucketOwnershipControlsArgs{
		Bucket: bucket.Bucket,
		Rule:   s3.BucketOwnershipControlsRuleArgs{ObjectOwnership: pulumi.String("BucketOwnerEnforced")},
	}, pulumi.Parent(parent))
	if err != nil {
		return failed("ownership controls", err)
	}
	publicAccess, err := s3.NewBucketPublicAccessBlock(ctx, name, &s3.BucketPublicAccessBlockArgs{
		Bucket:                bucket.Bucket,
		BlockPublicAcls:       pulumi.Bool(true),
		BlockPublicPolicy:     pulumi.Bool(true),
		IgnorePublicAcls:      pulumi.Bool(true),
		RestrictPublicBuckets: pulumi.Bool(true),
	}, pulumi.Parent(parent), pulumi.DependsOn([]pulumi.Resource{ownership}))
	if err != nil {
		return failed("public access block", err)
	}
	versioning, err := s3.NewBucketVersioningV2(ctx, name, &s3.BucketVersioningV2Args{
		Bucket: bucket.Bucket,
		VersioningConfiguration: s3.BucketVersioningV2VersioningConfigurationArgs{
			Status: pulumi.String("Enabled"),
		},
	}, pulumi.Parent(parent))
	if err != nil {
		return failed("versioning", err)
	}
	byDefault := s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{SseAlgorithm: pulumi.String("AES256")}
	rule := s3.BucketServerSideEncryptionConfigurationV2RuleArgs{}
	if args.encryptionKey != nil {
		byDefault.SseAlgorithm, byDefault.KmsMasterKeyId = pulumi.String("aws:kms"), args.encryptionKey.ToStringOutput()
		rule.BucketKeyEnabled = pulumi.Bool(true) // KMS is asked, and paid, once in a while instead of for every object.
	}
	rule.ApplyServerSideEncryptionByDefault = byDefault
	if _, err := s3.NewBucketServerSideEncryptionConfigurationV2(ctx, name, &s3.BucketServerSideEncryptionConfigurationV2Args{
		Bucket: bucket.Bucket,
		Rules:  s3.BucketServerSideEncryptionConfigurationV2RuleArray{rule},
	}, pulumi.Parent(parent)); err != nil {
		return failed("default encryption", err)
	}
	return &privateBucket{bucket: bucket, publicAccess: publicAccess, versioning: versioning}, nil
}
