package components

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// SharedBucketArgs are the inputs of a SharedBucket. They are plain values, not outputs, so that the bucket policy is known at
// preview.
type SharedBucketArgs struct {
	// Access is what the role may do with the bucket.
	Access Access
	// Role is the function's, and Consumers are who is let in besides it.
	Role      ComputeRole
	Consumers Consumers
	// AccountID is the account of the bucket.
	AccountID string
	// ForceDestroy lets the bucket be destroyed together with its objects.
	ForceDestroy bool
	// Hardening is what protects the bucket besides.
	Hardening Hardening
}

// SharedBucket is the bucket in the data account, closed to the public and to plain http, and open to one role of the compute
// account, and to the consumers.
type SharedBucket struct {
	pulumi.ResourceState

	// Name is the bucket's name.
	Name pulumi.StringOutput
	// ARN is the bucket's ARN.
	ARN pulumi.StringOutput
	// Policy is the bucket policy, as JSON.
	Policy pulumi.StringOutput

	// last is what is registered after everything else of the bucket.
	last pulumi.Resource
}

// NewSharedBucket registers the bucket, what protects it, and its policy.
func NewSharedBucket(
	ctx *pulumi.Context, name string, args *SharedBucketArgs, opts ...pulumi.ResourceOption,
) (*SharedBucket, error) {
	document, err := args.Access.bucketDocument(args.Role.ARN, args.Consumers)
	if err == nil {
		err = fits("bucket "+args.Access.BucketName, document, mostBucketPolicy, args.Consumers.instead())
	}
	if err != nil {
		return nil, err
	}
	component := &SharedBucket{}
	if err := ctx.RegisterComponentResource("cross-account-s3:index:SharedBucket", name, component, opts...); err != nil {
		return nil, fmt.Errorf("registering shared bucket %s: %w", name, err)
	}
	own := privateBucketArgs{name: args.Access.BucketName, forceDestroy: args.ForceDestroy, options: args.Hardening.options()}
	if args.Access.Key != nil {
		key, err := NewBucketEncryptionKey(ctx, name+"-key", &BucketEncryptionKeyArgs{
			Access: args.Access, Role: args.Role, Consumers: args.Consumers, Hardening: args.Hardening,
		}, pulumi.Parent(component))
		if err != nil {
			return nil, err
		}
		own.encryptionKey = key.ARN
	}
	private, err := newPrivateBucket(ctx, name, own, component)
	if err != nil {
		return nil, err
	}
	bucket := private.bucket
	if err := args.Hardening.harden(ctx, name, args, private, component); err != nil {
		return nil, err
	}
	// S3 refuses a policy while another of the bucket's settings is being changed, and checks it against the public access block:
	// so that one comes first, and at the end goes last.
	//
	// S3 keeps the role's unique id, not its ARN. A role that was deleted and made again has the same ARN and another id, and a
	// policy that looks the same to Pulumi has silently stopped matching; only writing it again helps, so the unique id triggers
	// a replacement. A bucket has one policy, and deleting the old after making the new would leave none: hence delete first. For
	// that moment nobody but the bucket's own account has access, and the role had none before it either.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
	policy, err := s3.NewBucketPolicy(ctx, name, &s3.BucketPolicyArgs{
		Bucket: bucket.Bucket,
		Policy: pulumi.String(document),
	},
		pulumi.Parent(component),
		pulumi.DependsOn([]pulumi.Resource{private.publicAccess}),
		pulumi.ReplacementTrigger(pulumi.String(args.Role.UniqueID)),
		pulumi.DeleteBeforeReplace(true),
	)
	if err != nil {
		return nil, fmt.Errorf("registering the policy of bucket %s: %w", args.Access.BucketName, err)
	}

	component.Name = bucket.Bucket
	component.ARN = bucket.Arn
	component.Policy = policy.Policy
	component.last = policy
	if err := ctx.RegisterResourceOutputs(component, pulumi.Map{
		"name":   component.Name,
		"arn":    component.ARN,
		"policy": component.Policy,
	}); err != nil {
		return nil, fmt.Errorf("registering the outputs of shared bucket %s: %w", name, err)
	}
	return component, nil
}
