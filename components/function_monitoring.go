package components

import (
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// FunctionMonitoringArgs are the inputs of a FunctionMonitoring.
type FunctionMonitoringArgs struct {
	// FunctionName is the function to watch, TimeoutSeconds the longest that it may run.
	FunctionName   string
	TimeoutSeconds int
	// BucketName and BucketOwner are what it uses, and whose dashboard shows the other side.
	BucketName, BucketOwner string
	// Place is where the function is.
	Place Place
	// Subscriptions are told of alarms: email addresses and https URLs.
	Subscriptions []string
}

// FunctionMonitoring are alarms about the function, the topic that they go to, and a dashboard: the compute account's side.
type FunctionMonitoring struct {
	pulumi.ResourceState

	// TopicARN is the ARN of the topic.
	TopicARN pulumi.StringOutput
}

// nearTimeout is the part of the timeout that the slowest invocations may take.
const nearTimeout = 0.9

// NewFunctionMonitoring registers the alarms, the topic and the dashboard.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
func NewFunctionMonitoring(
	ctx *pulumi.Context, name string, args *FunctionMonitoringArgs, opts ...pulumi.ResourceOption,
) (*FunctionMonitoring, error) {
	component := &FunctionMonitoring{}
	if err := ctx.RegisterComponentResource("cross-account-s3:index:FunctionMonitoring", name, component, opts...); err != nil {
		return nil, fmt.Errorf("registering function monitoring %s: %w", name, err)
	}
	of := func(name, statistic string) metric {
		return metric{"AWS/Lambda", name, map[string]string{"FunctionName": args.FunctionName}, statistic}
	}
	milliseconds := float64(args.TimeoutSeconds) * 1000
	topic, err := newAlarms(ctx, name, args.FunctionName, args.Place, args.Subscriptions, []alarm{
		{
			metric: of("Errors", "Sum"), name: "errors", threshold: 1,
			description: "The function ended with an error, which a denied access is as well; its log tells which.",
		},
		{
			metric: of("Throttles", "Sum"), name: "throttles", threshold: 1,
			description: "Lambda turned invocations away, because too many ran at once.",
		},
		{
			metric: of("Duration", "p99"), name: "duration", threshold: milliseconds * nearTimeout,
			description: fmt.Sprintf("One in a hundred invocations comes near the timeout of %d seconds.", args.TimeoutSeconds),
		},
	}, component)
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("The function **%s**, which uses the bucket **%s** of account %s. "+
		"What that account sees of it is on the dashboard **%s** there.",
		args.FunctionName, args.BucketName, args.BucketOwner, watchName(args.BucketName, "access"))
	if err := newDashboard(ctx, name, args.FunctionName, text, args.Place, []graph{
		{"Invocations", []metric{of("Invocations", "Sum"), of("Errors", "Sum"), of("Throttles", "Sum")}},
		{"Duration in ms", []metric{of("Duration", "p50"), of("Duration", "p99"), of("Duration", "Maximum")}},
		{"At once", []metric{of("ConcurrentExecutions", "Maximum")}},
	}, component); err != nil {
		return nil, err
	}
	component.TopicARN = topic.Arn
	if err := ctx.RegisterResourceOutputs(component, pulumi.Map{"topicArn": component.TopicARN}); err != nil {
		return nil, fmt.Errorf("registering the outputs of function monitoring %s: %w", name, err)
	}
	return component, nil
}
