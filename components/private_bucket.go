package components

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// newPrivateBucket registers a bucket with what every bucket here has: one owner of all objects, no public access, versions and
// default encryption, with S3's own keys where the ARN of a key is nil. A policy has to come after the public access block.
func newPrivateBucket(
	ctx *pulumi.Context, name, bucketName string, forceDestroy bool, encryptionKey pulumi.StringInput, parent pulumi.Resource,
) (*s3.BucketV2, *s3.BucketPublicAccessBlock, error) {
	failed := func(what string, err error) (*s3.BucketV2, *s3.BucketPublicAccessBlock, error) {
		return nil, nil, fmt.Errorf("registering the %s of bucket %s: %w", what, bucketName, err)
	}

	bucket, err := s3.NewBucketV2(ctx, name, &s3.BucketV2Args{
		Bucket:       pulumi.String(bucketName),
		ForceDestroy: pulumi.Bool(forceDestroy),
	}, pulumi.Parent(parent))
	if err != nil {
		return nil, nil, fmt.Errorf("registering bucket %s: %w", bucketName, err)
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
	if _, err := s3.NewBucketVersioningV2(ctx, name, &s3.BucketVersioningV2Args{
		Bucket: bucket.Bucket,
		VersioningConfiguration: s3.BucketVersioningV2VersioningConfigurationArgs{
			Status: pulumi.String("Enabled"),
		},
	}, pulumi.Parent(parent)); err != nil {
		return failed("versioning", err)
	}
	byDefault := s3.BucketServerSideEncryptionConfigurationV2RuleApplyServerSideEncryptionByDefaultArgs{SseAlgorithm: pulumi.String("AES256")}
	rule := s3.BucketServerSideEncryptionConfigurationV2RuleArgs{}
	if encryptionKey != nil {
		byDefault.SseAlgorithm, byDefault.KmsMasterKeyId = pulumi.String("aws:kms"), encryptionKey.ToStringOutput()
		rule.BucketKeyEnabled = pulumi.Bool(true) // KMS is asked, and paid, once in a while instead of for every object.
	}
	rule.ApplyServerSideEncryptionByDefault = byDefault
	if _, err := s3.NewBucketServerSideEncryptionConfigurationV2(ctx, name, &s3.BucketServerSideEncryptionConfigurationV2Args{
		Bucket: bucket.Bucket,
		Rules:  s3.BucketServerSideEncryptionConfigurationV2RuleArray{rule},
	}, pulumi.Parent(parent)); err != nil {
		return failed("default encryption", err)
	}
	return bucket, publicAccess, nil
}
