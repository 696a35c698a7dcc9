package components

import (
	"fmt"
	"strings"

	"github.com/micahhausler/aws-iam-policy/policy"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/cloudwatch"
	"github.com/pulumi/pulumi-aws/sdk/v6/go/aws/sns"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// alarmPeriod is what an alarm looks at, in seconds.
const alarmPeriod = 300

// metric is one series of CloudWatch.
type metric struct {
	namespace, name string
	// dimensions have to be all that the service gives the series, or else it is another one, which nobody fills.
	dimensions map[string]string
	// statistic is Sum, or a percentile as p99.
	statistic string
}

// alarm goes off when its metric reaches a threshold within alarmPeriod. No data is no alarm: S3 and Lambda report nothing where
// nothing happens.
type alarm struct {
	metric
	name        string
	description string
	threshold   float64
}

// newAlarms registers alarms, the topic that they go to, and who is told. Topic and alarms are named after what they watch, so that
// their ARNs are known at preview.
func newAlarms(
	ctx *pulumi.Context, name, watched string, place Place, subscriptions []string, alarms []alarm, parent pulumi.Resource,
) (*sns.Topic, error) {
	topicName := watchName(watched, "alarms")
	topicARN := place.arn("sns", topicName)
	topic, err := sns.NewTopic(ctx, name, &sns.TopicArgs{Name: pulumi.String(topicName)}, pulumi.Parent(parent))
	if err != nil {
		return nil, fmt.Errorf("registering topic %s: %w", topicName, err)
	}
	document, err := topicDocument(topicARN, place)
	if err != nil {
		return nil, err
	}
	// The topic's own output would not be known at preview, and the rules could not tell that the policy is about this topic.
	topicPolicy, err := sns.NewTopicPolicy(ctx, name, &sns.TopicPolicyArgs{
		Arn:    pulumi.String(topicARN),
		Policy: pulumi.String(document),
	}, pulumi.Parent(parent), pulumi.DependsOn([]pulumi.Resource{topic}))
	if err != nil {
		return nil, fmt.Errorf("registering the policy of topic %s: %w", topicName, err)
	}
	for _, endpoint := range subscriptions {
		protocol := "email"
		if strings.HasPrefix(endpoint, "https://") {
			protocol = "https"
		}
		if _, err := sns.NewTopicSubscription(ctx, name+"-"+endpoint, &sns.TopicSubscriptionArgs{
			Topic:    topic.Arn,
			Protocol: pulumi.String(protocol),
			Endpoint: pulumi.String(endpoint),
		}, pulumi.Parent(parent), pulumi.DependsOn([]pulumi.Resource{topicPolicy})); err != nil {
			return nil, fmt.Errorf("subscribing %s to topic %s: %w", endpoint, topicName, err)
		}
	}
	for _, alarm := range alarms {
		args := &cloudwatch.MetricAlarmArgs{
			Name:               pulumi.String(watchName(watched, alarm.name)),
			AlarmDescription:   pulumi.String(alarm.description),
			Namespace:          pulumi.String(alarm.namespace),
			MetricName:         pulumi.String(alarm.metric.name),
			Dimensions:         pulumi.ToStringMap(alarm.dimensions),
			ComparisonOperator: pulumi.String("GreaterThanOrEqualToThreshold"),
			Threshold:          pulumi.Float64(alarm.threshold),
			Period:             pulumi.Int(alarmPeriod),
			EvaluationPeriods:  pulumi.Int(1),
			TreatMissingData:   pulumi.String("notBreaching"),
			AlarmActions:       pulumi.Array{topic.Arn},
			OkActions:          pulumi.Array{topic.Arn},
		}
		if strings.HasPrefix(alarm.statistic, "p") {
			args.ExtendedStatistic = pulumi.String(alarm.statistic)
		} else {
			args.Statistic = pulumi.String(alarm.statistic)
		}
		if _, err := cloudwatch.NewMetricAlarm(ctx, name+"-"+alarm.name, args,
			pulumi.Parent(parent), pulumi.DependsOn([]pulumi.Resource{topicPolicy})); err != nil {
			return nil, fmt.Errorf("registering the alarm %s of %s: %w", alarm.name, watched, err)
		}
	}
	return topic, nil
}

// topicActions are all that the policy of a topic can name; a wildcard would take in others, which SNS refuses.
// https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html
var topicActions = []string{
	"sns:AddPermission", "sns:DeleteTopic", "sns:GetDataProtectionPolicy", "sns:GetTopicAttributes", "sns:ListSubscriptionsByTopic",
	"sns:ListTagsForResource", "sns:Publish", "sns:PutDataProtectionPolicy", "sns:RemovePermission", "sns:SetTopicAttributes",
	"sns:Subscribe",
}

// topicDocument lets the alarms of the topic's own account and region publish, and nobody over plain http.
// https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
func topicDocument(topicARN string, place Place) (string, error) {
	own := condition("StringEquals", "aws:SourceAccount", place.AccountID)
	own["ArnLike"] = condition("ArnLike", "aws:SourceArn", place.arn("cloudwatch", "alarm:*"))["ArnLike"]
	return render([]policy.Statement{
		{
			Sid:       "PublishAlarms",
			Effect:    policy.EffectAllow,
			Principal: policy.NewServicePrincipal("cloudwatch.amazonaws.com"),
			Action:    values("sns:Publish"),
			Resource:  values(topicARN),
			Condition: own,
		},
		{
			Sid:       "DenyPlainHTTP",
			Effect:    policy.EffectDeny,
			Principal: policy.NewGlobalPrincipal(),
			Action:    values(topicActions...),
			Resource:  values(topicARN),
			Condition: condition("Bool", "aws:SecureTransport", "false"),
		},
	})
}
