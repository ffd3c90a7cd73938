@echo off
rem Starts a node where there is no sh, with the options and files that are given.
node "%~dp0vnet" %*
