// The Pulumi program: one half of the system a stack. account-a deploys the Lambda function and its role, account-b the bucket
// that the role may use.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/constant"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"cross-account-s3/components"
)

func main() {
	ctx := context.Background()
	guard := newGuard(ctx)
	// pulumi.Run would wrap a wrong setting in "an unhandled error occurred", and would lose what deploy says about a missing
	// stack behind the engine's own words for it.
	reported := false
	err := pulumi.RunErr(func(ctx *pulumi.Context) error {
		report := func(err error) { reported = ctx.Log.Error(err.Error(), nil) == nil }
		err := deploy(ctx, guard, report)
		if err != nil {
			report(err)
		}
		return err
	})
	if err == nil {
		err = guard.finish(ctx, os.Stderr)
	}
	switch {
	case err == nil:
	case reported:
		os.Exit(constant.ExitStatusLoggedError)
	default:
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// deploy registers the half of the system that the stack's settings ask for. What the guard refuses is reported, because the engine
// would only tell it wrapped in its own words.
func deploy(ctx *pulumi.Context, guard *guard, report func(error)) error {
	settings, err := components.ReadSettings(ctx)
	if err != nil {
		return err
	}
	if err := guard.watch(ctx, settings.Guard, report); err != nil {
		return err
	}
	if settings.Side == components.Compute {
		return deployCompute(ctx, settings)
	}
	return deployData(ctx, settings)
}

// deployCompute is account A: the role and the function that runs as it.
func deployCompute(ctx *pulumi.Context, settings *components.Settings) error {
	role, err := components.NewExecutionRole(ctx, "role", &components.ExecutionRoleArgs{
		Name:        settings.RoleName,
		Access:      settings.Access,
		LogGroupARN: settings.LogGroupARN(),
		Traces:      settings.Function.Tracing == "Active",
		VPC:         settings.VPC,
		FunctionARN: settings.FunctionARN(),
		Place:       settings.Place(),
	})
	if err != nil {
		return err
	}
	endpoint, err := connect(ctx, settings)
	if err != nil {
		return err
	}
	function, err := components.NewFunction(ctx, "function", &components.FunctionArgs{
		Settings:     settings.Function,
		LogGroupName: settings.LogGroupName(),
		Access:       settings.Access,
		BucketOwner:  settings.DataAccountID,
		Role:         role,
		VPC:          settings.VPC,
		Endpoint:     endpoint,
	})
	if err != nil {
		return err
	}
	if settings.Monitoring.Enabled {
		monitoring, err := components.NewFunctionMonitoring(ctx, "function", &components.FunctionMonitoringArgs{
			FunctionName:   settings.Function.Name,
			TimeoutSeconds: settings.Function.Timeout,
			BucketName:     settings.Access.BucketName,
			BucketOwner:    settings.DataAccountID,
			Place:          settings.Place(),
			Subscriptions:  settings.Monitoring.Subscriptions,
		})
		if err != nil {
			return err
		}
		ctx.Export("alarmTopicArn", monitoring.TopicARN)
	}
	if err := analyze(ctx, settings); err != nil {
		return err
	}
	if err := share(ctx, settings, role, function); err != nil {
		return err
	}
	ctx.Export("functionName", function.Name)
	// What cmd/smoke expects of the function.
	ctx.Export("permissions", pulumi.Any(settings.Access.Permissions))
	ctx.Export("prefix", pulumi.String(settings.Access.Prefix))
	ctx.Export("oversize", pulumi.String(settings.Function.Oversize))
	ctx.Export("logGroupName", function.LogGroupName)
	return nil
}

// connect is the function's way to S3 where it is in a VPC, and where that is asked for; nil where it is not.
func connect(ctx *pulumi.Context, settings *components.Settings) (*components.S3Endpoint, error) {
	if !settings.VPC.S3Endpoint {
		return nil, nil
	}
	endpoint, err := components.NewS3Endpoint(ctx, "s3", &components.S3EndpointArgs{
		VPC:    settings.VPC,
		Access: settings.Access,
		Place:  settings.Place(),
	})
	if err != nil {
		return nil, err
	}
	ctx.Export("vpcEndpointId", endpoint.ID)
	return endpoint, nil
}

// share tells account B of the role, in each of the ways that the settings name.
func share(ctx *pulumi.Context, settings *components.Settings, role *components.ExecutionRole, function *components.Function) error {
	told := pulumi.StringMap{
		components.RoleARNOutput:      role.ARN,
		components.RoleUniqueIDOutput: role.UniqueID,
		components.FunctionARNOutput:  function.ARN,
	}
	for _, source := range settings.Sharing.Share {
		switch source {
		case components.StackReference:
			for name, value := range told {
				ctx.Export(name, value)
			}
		case components.ParameterStore:
			parameter, err := components.NewRoleParameter(ctx, "role", &components.RoleParameterArgs{
				Name:            settings.RoleParameterName(),
				Shared:          pulumi.JSONMarshal(told),
				ReaderAccountID: settings.DataAccountID,
				Outside:         settings.Sharing.Outside,
			})
			if err != nil {
				return err
			}
			ctx.Export("roleParameterArn", parameter.ARN)
		case components.SecretsManager:
			secret, err := components.NewRoleSecret(ctx, "role", &components.RoleSecretArgs{
				Name:    settings.RoleSecretName(),
				Shared:  pulumi.JSONMarshal(told),
				Place:   settings.Place(),
				Readers: settings.Sharing.SecretReaders,
			})
			if err != nil {
				return err
			}
			ctx.Export("roleSecretArn", secret.ARN)
		}
	}
	return nil
}

// deployData is account B: the bucket, open to the role that account A shares, and to the consumers.
func deployData(ctx *pulumi.Context, settings *components.Settings) error {
	role, err := components.ReadComputeRole(ctx, settings)
	if err != nil {
		return err
	}
	consumers, err := components.ReadConsumers(ctx, settings)
	if err != nil {
		return err
	}
	bucket, err := components.NewSharedBucket(ctx, "bucket", &components.SharedBucketArgs{
		Access:       settings.Access,
		Role:         role,
		Consumers:    consumers,
		AccountID:    settings.DataAccountID,
		ForceDestroy: settings.ForceDestroy,
		Hardening:    settings.Hardening,
	})
	if err != nil {
		return err
	}
	if consumers.AccessPoints {
		points, err := components.NewConsumerAccessPoints(ctx, "consumers", &components.ConsumerAccessPointsArgs{
			Bucket:     bucket,
			BucketName: settings.Access.BucketName,
			Place:      settings.Place(),
			Consumers:  consumers.Each,
		})
		if err != nil {
			return err
		}
		ctx.Export("consumerAccessPoints", points.Each)
	}
	if settings.Monitoring.Enabled {
		if err := monitorBucket(ctx, settings, bucket); err != nil {
			return err
		}
	}
	if err := analyze(ctx, settings); err != nil {
		return err
	}
	ctx.Export("bucketName", bucket.Name)
	ctx.Export("bucketArn", bucket.ARN)
	ctx.Export("bucketPolicy", bucket.Policy)
	// What cmd/smoke expects of the bucket.
	ctx.Export("accountId", pulumi.String(settings.DataAccountID))
	ctx.Export("region", pulumi.String(settings.Region))
	ctx.Export("boundToNetworks", pulumi.Bool(settings.Access.Conditions.BoundToNetworks()))
	return nil
}

// monitorBucket records and watches what is done with the bucket.
func monitorBucket(ctx *pulumi.Context, settings *components.Settings, bucket *components.SharedBucket) error {
	trail, err := components.NewBucketTrail(ctx, "trail", &components.BucketTrailArgs{
		Bucket:        bucket,
		BucketName:    settings.Access.BucketName,
		LogBucketName: settings.Monitoring.TrailBucketName,
		RetentionDays: settings.Monitoring.TrailRetentionDays,
		ForceDestroy:  settings.ForceDestroy,
		Place:         settings.Place(),
	})
	if err != nil {
		return err
	}
	monitoring, err := components.NewBucketMonitoring(ctx, "bucket", &components.BucketMonitoringArgs{
		Bucket:        bucket,
		BucketName:    settings.Access.BucketName,
		ClientErrors:  settings.Monitoring.ClientErrors,
		FunctionName:  settings.Function.Name,
		FunctionOwner: settings.ComputeAccountID,
		Place:         settings.Place(),
		Subscriptions: settings.Monitoring.Subscriptions,
	})
	if err != nil {
		return err
	}
	ctx.Export("trailArn", trail.ARN)
	ctx.Export("trailBucketName", trail.LogBucketName)
	ctx.Export("alarmTopicArn", monitoring.TopicARN)
	return nil
}

// analyze has IAM Access Analyzer look at the account, where that is asked for.
func analyze(ctx *pulumi.Context, settings *components.Settings) error {
	if !settings.AccessAnalyzer {
		return nil
	}
	analyzer, err := components.NewAccessAnalyzer(ctx, "analyzer")
	if err != nil {
		return err
	}
	ctx.Export("accessAnalyzerArn", analyzer.ARN)
	return nil
}
