"""WeChat (微信公众号, 小程序, 企业微信): verified callbacks, what they only announce, and answers."""
