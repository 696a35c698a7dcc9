package components

import (
	"fmt"

	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/s3"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// BucketMonitoringArgs are the inputs of a BucketMonitoring.
type BucketMonitoringArgs struct {
	// Bucket is the bucket to watch, and BucketName its name, which is known at preview.
	Bucket     *SharedBucket
	BucketName string
	// ClientErrors is how many refused requests in five minutes are an alarm.
	ClientErrors int
	// FunctionName and FunctionOwner are who uses it, and whose dashboard shows the other side.
	FunctionName, FunctionOwner string
	// Place is where the bucket is.
	Place Place
	// Subscriptions are told of alarms: email addresses and https URLs.
	Subscriptions []string
}

// BucketMonitoring are the bucket's request metrics, alarms about them, the topic that they go to, and a dashboard: the data account's
// side.
type BucketMonitoring struct {
	pulumi.ResourceState

	// TopicARN is the ARN of the topic.
	TopicARN pulumi.StringOutput
}

const (
	// metricsFilter is the id of the request metrics, in the word that the console uses for those of all of a bucket.
	metricsFilter = "EntireBucket"
	// serverErrors in five minutes are more than S3 has now and then, which clients try again.
	serverErrors = 5
)

// NewBucketMonitoring registers request metrics, alarms, the topic and the dashboard. S3 has no metrics of requests unless they are
// asked for, and puts the filter's id beside the bucket's name: an alarm with the name alone watches a metric that there never is.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html
func NewBucketMonitoring(
	ctx *pulumi.Context, name string, args *BucketMonitoringArgs, opts ...pulumi.ResourceOption,
) (*BucketMonitoring, error) {
	component := &BucketMonitoring{}
	if err := ctx.RegisterComponentResource("cross-account-s3:index:BucketMonitoring", name, component, opts...); err != nil {
		return nil, fmt.Errorf("registering bucket monitoring %s: %w", name, err)
	}
	if _, err := s3.NewBucketMetric(ctx, name, &s3.BucketMetricArgs{
		Bucket: args.Bucket.Name,
		Name:   pulumi.String(metricsFilter),
	}, pulumi.Parent(component)); err != nil {
		return nil, fmt.Errorf("registering the request metrics of bucket %s: %w", args.BucketName, err)
	}
	of := func(name, statistic string) metric {
		return metric{"AWS/S3", name, map[string]string{"BucketName": args.BucketName, "FilterId": metricsFilter}, statistic}
	}
	topic, err := newAlarms(ctx, name, args.BucketName, args.Place, args.Subscriptions, []alarm{
		{
			metric: of("4xxErrors", "Sum"), name: "4xx-errors", threshold: float64(args.ClientErrors),
			description: "S3 refused requests to the bucket: denied ones, and those for what is not there. The trail's records tell whose.",
		},
		{
			metric: of("5xxErrors", "Sum"), name: "5xx-errors", threshold: serverErrors,
			description: "S3 could not answer requests to the bucket.",
		},
	}, component)
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("The bucket **%s**, which the function **%s** of account %s uses. "+
		"What that account sees of it is on the dashboard **%s** there.",
		args.BucketName, args.FunctionName, args.FunctionOwner, watchName(args.FunctionName, "access"))
	if err := newDashboard(ctx, name, args.BucketName, text, args.Place, []graph{
		{"Requests", []metric{of("GetRequests", "Sum"), of("PutRequests", "Sum"), of("DeleteRequests", "Sum"), of("ListRequests", "Sum")}},
		{"Errors", []metric{of("4xxErrors", "Sum"), of("5xxErrors", "Sum")}},
		{"Bytes", []metric{of("BytesDownloaded", "Sum"), of("BytesUploaded", "Sum")}},
		{"Time to answer in ms", []metric{of("FirstByteLatency", "p99"), of("TotalRequestLatency", "p99")}},
	}, component); err != nil {
		return nil, err
	}
	component.TopicARN = topic.Arn
	if err := ctx.RegisterResourceOutputs(component, pulumi.Map{"topicArn": component.TopicARN}); err != nil {
		return nil, fmt.Errorf("registering the outputs of bucket monitoring %s: %w", name, err)
	}
	return component, nil
}
