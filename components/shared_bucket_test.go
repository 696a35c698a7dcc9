package components

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

func TestSharedBucket(t *testing.T) {
	args := &SharedBucketArgs{
		Access: accessTo("data/", Read, List),
		Role:   ComputeRole{ARN: roleARN, UniqueID: "AROAEXAMPLE"},
	}
	const (
		component = "cross-account-s3:index:SharedBucket::bucket"
		name      = "my-cross-account-bucket"
	)
	document, err := args.Access.bucketDocument(roleARN, Consumers{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]any{
		"aws:s3/bucketV2:BucketV2": {"bucket": name, "forceDestroy": false},
		"aws:s3/bucketOwnershipControls:BucketOwnershipControls": {
			"bucket": name, "rule": map[string]any{"objectOwnership": "BucketOwnerEnforced"},
		},
		"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": {
			"bucket": name, "blockPublicAcls": true, "blockPublicPolicy": true, "ignorePublicAcls": true, "restrictPublicBuckets": true,
		},
		"aws:s3/bucketVersioningV2:BucketVersioningV2": {
			"bucket": name, "versioningConfiguration": map[string]any{"status": "Enabled"},
		},
		"aws:s3/bucketServerSideEncryptionConfigurationV2:BucketServerSideEncryptionConfigurationV2": {
			"bucket": name,
			"rules": []any{map[string]any{
				"applyServerSideEncryptionByDefault": map[string]any{"sseAlgorithm": "AES256"},
			}},
		},
		"aws:s3/bucketPolicy:BucketPolicy": {"bucket": name, "policy": document},
	}
	for _, previews := range []bool{true, false} {
		m := &monitor{previews: previews}
		if err := m.run("account-b", nil, func(ctx *pulumi.Context) error {
			_, err := NewSharedBucket(ctx, "bucket", args)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if len(m.resources) != len(want)+1 {
			t.Errorf("registered %q", m.ids())
		}
		for token, inputs := range want {
			got := m.one(t, token)
			expectEqual(t, token, got.inputs, inputs)
			expectEqual(t, "parent of "+token, got.parent, component)
		}

		// S3 answers with a conflict while two of a bucket's settings change at once, and a policy must not be there before what
		// keeps it from being public.
		expectEqual(t, "what comes before the public access block", m.one(t, "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").dependencies,
			[]string{"aws:s3/bucketOwnershipControls:BucketOwnershipControls::bucket", "aws:s3/bucketV2:BucketV2::bucket"})
		policy := m.one(t, "aws:s3/bucketPolicy:BucketPolicy")
		expectEqual(t, "what comes before the policy", policy.dependencies,
			[]string{"aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock::bucket", "aws:s3/bucketV2:BucketV2::bucket"})

		// A role made again has the same ARN and another id: the policy has to be written again, and the old one deleted before,
		// as deleting it afterwards would delete the new one.
		expectEqual(t, "what replaces the policy", policy.replacementTrigger, "AROAEXAMPLE")
		expectEqual(t, "old policy deleted first", policy.deleteBeforeReplace, true)
	}
}

func TestSharedBucketForceDestroy(t *testing.T) {
	m := &monitor{}
	if err := m.run("account-b", nil, func(ctx *pulumi.Context) error {
		_, err := NewSharedBucket(ctx, "bucket", &SharedBucketArgs{Access: accessTo("", Read), ForceDestroy: true})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	expectEqual(t, "forceDestroy", m.one(t, "aws:s3/bucketV2:BucketV2").inputs["forceDestroy"], true)
}

func TestSharedBucketOutputs(t *testing.T) {
	m := &monitor{}
	outputs := make(chan []any, 1)
	if err := m.run("account-b", nil, func(ctx *pulumi.Context) error {
		bucket, err := NewSharedBucket(ctx, "bucket", &SharedBucketArgs{Access: accessTo("", Read), Role: ComputeRole{ARN: roleARN}})
		if err != nil {
			return err
		}
		pulumi.All(bucket.Name, bucket.ARN, bucket.Policy).ApplyT(func(values []any) int {
			outputs <- values
			return 0
		})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	document, err := accessTo("", Read).bucketDocument(roleARN, Consumers{})
	if err != nil {
		t.Fatal(err)
	}
	expectEqual(t, "name, ARN and policy", <-outputs, []any{"my-cross-account-bucket", "arn-of-bucket", document})
}
