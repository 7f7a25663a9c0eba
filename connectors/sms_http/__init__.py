"""SMS through a gateway's webhook: Twilio, Aliyun (阿里云), Tencent (腾讯云) and Kannel."""
