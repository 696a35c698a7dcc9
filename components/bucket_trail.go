package components

import (
	"fmt"

	"github.com/micahhausler/aws-iam-policy/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudtrail"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// BucketTrailArgs are the inputs of a BucketTrail. They are plain values, so that the policy of the log bucket is known at preview.
type BucketTrailArgs struct {
	// Bucket is what to record; the trail waits for it. BucketName is its name.
	Bucket     *SharedBucket
	BucketName string
	// LogBucketName is where the records go.
	LogBucketName string
	// RetentionDays is how long they are kept.
	RetentionDays int
	// ForceDestroy lets the log bucket be destroyed together with the records in it.
	ForceDestroy bool
	// Place is where bucket and trail are.
	Place Place
}

// BucketTrail is a CloudTrail trail that records who did what with the objects of a bucket, and the bucket that its records go to.
type BucketTrail struct {
	pulumi.ResourceState

	// ARN is the trail's ARN.
	ARN pulumi.StringOutput
	// LogBucketName is where the records are.
	LogBucketName pulumi.StringOutput
}

// NewBucketTrail registers the log bucket, its policy and the trail.
func NewBucketTrail(ctx *pulumi.Context, name string, args *BucketTrailArgs, opts ...pulumi.ResourceOption) (*BucketTrail, error) {
	component := &BucketTrail{}
	if err := ctx.RegisterComponentResource("cross-account-s3:index:BucketTrail", name, component, opts...); err != nil {
		return nil, fmt.Errorf("registering bucket trail %s: %w", name, err)
	}
	failed := func(what string, err error) (*BucketTrail, error) {
		return nil, fmt.Errorf("registering the %s of bucket %s: %w", what, args.LogBucketName, err)
	}
	private, err := newPrivateBucket(ctx, name, privateBucketArgs{name: args.LogBucketName, forceDestroy: args.ForceDestroy}, component)
	if err != nil {
		return nil, err
	}
	logs := private.bucket
	if _, err := s3.NewBucketLifecycleConfigurationV2(ctx, name, &s3.BucketLifecycleConfigurationV2Args{
		Bucket: logs.Bucket,
		Rules: s3.BucketLifecycleConfigurationV2RuleArray{
			s3.BucketLifecycleConfigurationV2RuleArgs{
				Id:         pulumi.String("expire"),
				Status:     pulumi.String("Enabled"),
				Filter:     s3.BucketLifecycleConfigurationV2RuleFilterArgs{Prefix: pulumi.String("")},
				Expiration: s3.BucketLifecycleConfigurationV2RuleExpirationArgs{Days: pulumi.Int(args.RetentionDays)},
				NoncurrentVersionExpiration: s3.BucketLifecycleConfigurationV2RuleNoncurrentVersionExpirationArgs{
					NoncurrentDays: pulumi.Int(keptAfterDeletion),
				},
				AbortIncompleteMultipartUpload: s3.BucketLifecycleConfigurationV2RuleAbortIncompleteMultipartUploadArgs{
					DaysAfterInitiation: pulumi.Int(keptAfterDeletion),
				},
			},
		},
	}, pulumi.Parent(component)); err != nil {
		return failed("lifecycle", err)
	}
	trailName := watchName(args.BucketName, "access")
	document, err := args.logDocument(args.Place.arn("cloudtrail", "trail/"+trailName))
	if err != nil {
		return nil, err
	}
	logPolicy, err := s3.NewBucketPolicy(ctx, name, &s3.BucketPolicyArgs{
		Bucket: logs.Bucket,
		Policy: pulumi.String(document),
	}, pulumi.Parent(component), pulumi.DependsOn([]pulumi.Resource{private.publicAccess}))
	if err != nil {
		return failed("policy", err)
	}

	objects := fmt.Sprintf("arn:%s:s3:::%s/", args.Place.Partition, args.BucketName)
	equal := func(field, value string) cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgs {
		return cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgs{
			Field: pulumi.String(field), Equals: pulumi.ToStringArray([]string{value}),
		}
	}
	trail, err := cloudtrail.NewTrail(ctx, name, &cloudtrail.TrailArgs{
		Name:         pulumi.String(trailName),
		S3BucketName: logs.Bucket,
		// The bucket's accesses are recorded in its own region.
		IsMultiRegionTrail:         pulumi.Bool(false),
		IncludeGlobalServiceEvents: pulumi.Bool(false),
		EnableLogging:              pulumi.Bool(true),
		EnableLogFileValidation:    pulumi.Bool(true),
		AdvancedEventSelectors: cloudtrail.TrailAdvancedEventSelectorArray{
			cloudtrail.TrailAdvancedEventSelectorArgs{
				Name: pulumi.String("Objects of the bucket"),
				FieldSelectors: cloudtrail.TrailAdvancedEventSelectorFieldSelectorArray{
					equal("eventCategory", "Data"),
					equal("resources.type", "AWS::S3::Object"),
					cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgs{
						Field: pulumi.String("resources.ARN"), StartsWiths: pulumi.ToStringArray([]string{objects}),
					},
				},
			},
		},
	}, pulumi.Parent(component), pulumi.DependsOn([]pulumi.Resource{logPolicy, args.Bucket.last}))
	if err != nil {
		return nil, fmt.Errorf("registering trail %s: %w", trailName, err)
	}

	component.ARN = trail.Arn
	component.LogBucketName = logs.Bucket
	if err := ctx.RegisterResourceOutputs(component, pulumi.Map{
		"arn":           component.ARN,
		"logBucketName": component.LogBucketName,
	}); err != nil {
		return nil, fmt.Errorf("registering the outputs of bucket trail %s: %w", name, err)
	}
	return component, nil
}

// keptAfterDeletion is for how many days somebody can still get back a record that somebody else has deleted.
const keptAfterDeletion = 30

// logDocument lets CloudTrail write the records of the one trail, and nobody over plain http. CloudTrail says only which trail it
// writes for, and that names the account as well; it asks for aws:SourceArn in this policy, and not for aws:SourceAccount.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html
func (args *BucketTrailArgs) logDocument(trailARN string) (string, error) {
	arn := fmt.Sprintf("arn:%s:s3:::%s", args.Place.Partition, args.LogBucketName)
	ofTrail := condition("StringEquals", "aws:SourceArn", trailARN)
	toOwner := condition("StringEquals", "aws:SourceArn", trailARN)
	toOwner["StringEquals"]["s3:x-amz-acl"] = policy.NewConditionValueString(true, "bucket-owner-full-control")
	return render(append([]policy.Statement{
		{
			Sid:       "LookAtBucket",
			Effect:    policy.EffectAllow,
			Principal: policy.NewServicePrincipal("cloudtrail.amazonaws.com"),
			Action:    values("s3:GetBucketAcl"),
			Resource:  values(arn),
			Condition: ofTrail,
		},
		{
			Sid:       "WriteRecords",
			Effect:    policy.EffectAllow,
			Principal: policy.NewServicePrincipal("cloudtrail.amazonaws.com"),
			Action:    values("s3:PutObject"),
			Resource:  values(fmt.Sprintf("%s/AWSLogs/%s/*", arn, args.Place.AccountID)),
			Condition: toOwner,
		},
	}, transportDenials(arn, "")...))
}
