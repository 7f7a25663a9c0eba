"""WeChat (微信公众号, 小程序, 企业微信): verified callbacks, fetches of announced messages and files, and replies."""
